import type { Fault, FaultMaker } from '../../src/fault.ts';
import { fromWord, parametersOf } from '../../src/parameter.ts';

/** The fault that a kind's own example describes: what the docs promise is what the tests run. */
export function exampleOf(maker: FaultMaker): {
  readonly target: string;
  readonly parameters: Record<string, unknown>;
  readonly fault: Fault;
} {
  const words = [...maker.kind.example.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const infos = parametersOf(maker.kind.parameters);
  let target = '';
  const parameters: Record<string, unknown> = {};
  for (let index = 0; index < words.length; index += 2) {
    const [flag, word = ''] = words.slice(index, index + 2);
    const info = infos.find((candidate) => candidate.flag === flag);
    if (flag === '--target') target = word;
    else if (info) parameters[info.name] = fromWord(word, info);
    else throw new Error(`the example of ${maker.kind.name} uses the unknown flag ${flag}`);
  }
  return { target, parameters, fault: maker(target, parameters as never) };
}
