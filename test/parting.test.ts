import { describe, expect, it } from 'vitest';
import { partFrom } from '../src/parting.ts';
import { release } from '../src/hand.ts';
import { fine, PaperHosts, script } from './paper.ts';

/** A guard and steps that write down what is done, of which those that are named fail. */
function parting(...failing: readonly string[]) {
  const done: string[] = [];
  const step = (name: string) => async (): Promise<void> => {
    await Promise.resolve();
    done.push(name);
    if (failing.includes(name)) throw new Error(`${name} failed`);
  };
  return { done, step, guard: { farewell: step('farewell'), abandon: () => void done.push('abandon') } };
}

describe('parting from a guard', () => {
  it('says farewell when everything was let go, in order', async () => {
    const { done, step, guard } = parting();
    await partFrom(guard, [step('heal'), () => {}, step('remove')]);
    expect(done).toEqual(['heal', 'remove', 'farewell']);
  });
  it('lets go of the rest where something fails, and leaves the guard to do its work', async () => {
    const { done, step, guard } = parting('heal');
    await expect(partFrom(guard, [step('heal'), step('remove')])).rejects.toThrow(/^heal failed$/);
    expect(done).toEqual(['heal', 'remove', 'abandon']);
  });
  it('says all that failed', async () => {
    const { step, guard } = parting('heal', 'remove');
    await expect(partFrom(guard, [step('heal'), step('stop'), step('remove')])).rejects.toMatchObject({
      errors: [new Error('heal failed'), new Error('remove failed')],
    });
  });
  it('lets go where there is no guard yet', async () => {
    const { done, step } = parting('remove');
    await partFrom(undefined, [step('heal')]);
    await expect(partFrom(undefined, [step('remove')])).rejects.toThrow('remove failed');
    expect(done).toEqual(['heal', 'remove']);
  });
  it('fails where the guard does not leave', async () => {
    const { guard } = parting('farewell');
    await expect(partFrom(guard, [])).rejects.toThrow('farewell failed');
  });
});

describe('a holder', () => {
  const note = { undo: script('node-1', 'remove the note'), residue: script('node-1', 'look for the note') };

  it('heals, takes the note away, and tells the guard then', async () => {
    const { done, step } = parting();
    const hosts = new PaperHosts([], (command) => ('script' in command && done.push(command.script), fine));
    await release(hosts, { healAll: step('heal') }, note, () => done.push('undone'));
    expect(done).toEqual(['heal', 'remove the note', 'look for the note', 'undone']);
  });
  it('leaves the note where it could not heal: it tells how to', async () => {
    const { done, step } = parting('heal');
    const hosts = new PaperHosts();
    await expect(release(hosts, { healAll: step('heal') }, note, () => done.push('undone'))).rejects.toThrow('heal failed');
    expect(done).toEqual(['heal']);
    expect(hosts.performed).toEqual([]);
  });
});
