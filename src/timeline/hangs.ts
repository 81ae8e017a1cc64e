/** What is recorded instead of objections where `--cluster check` had to be ended. */
export const hangs = 'it had not ended after 4 s';
