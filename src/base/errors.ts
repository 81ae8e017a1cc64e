/** How a process of ours ends; the table stands in the README. */
export const exitCode = { asExpected: 0, notAsExpected: 1, inconclusive: 2, harnessFailed: 3, badUsage: 64, aborted: 130 } as const;
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/**
 * An error whose message is meant for a person: one sentence that says what was expected, what came and what to do.
 * The command line prints the message alone; every other error is a defect of ours and keeps its stack.
 */
export class SlotquakeError extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, options: ErrorOptions & { readonly exitCode?: ExitCode } = {}) {
    super(message, options);
    this.name = 'SlotquakeError';
    this.exitCode = options.exitCode ?? exitCode.harnessFailed;
  }
}

/** What the user wrote cannot be carried out: a flag, a file, an experiment, a target. Exit 64. */
export class UsageError extends SlotquakeError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, exitCode: exitCode.badUsage });
    this.name = 'UsageError';
  }
}

/** What the experiment counts on did not come about, so that its record tells nothing. Exit 2. */
export class InconclusiveError extends SlotquakeError {
  constructor(message: string) {
    super(message, { exitCode: exitCode.inconclusive });
    this.name = 'InconclusiveError';
  }
}

/** The run was told to stop (Ctrl-C, or a test that ended). Exit 130. */
export class AbortedError extends SlotquakeError {
  constructor(message = 'the run was aborted') {
    super(message, { exitCode: exitCode.aborted });
    this.name = 'AbortedError';
  }
}

/** The message of anything that was thrown, with those it wraps or suppresses, the original first. */
export function messageOf(error: unknown): string {
  if (error instanceof SuppressedError) return `${messageOf(error.suppressed)}; and then: ${messageOf(error.error)}`;
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  if (error instanceof Error) return error.message || error.name;
  return String(error);
}
