/**
 * Processes that a fault leaves running in a toolbox, told by a word of their command line: it holds the tag and ends
 * with '=', so that no other fault's word is the same.
 */

/** Prints their ids. The brackets keep the pattern from matching the shell that looks for it. */
export const residents = (word: string): string => `grep -lzs '^[${word.slice(0, 1)}]${word.slice(1)}$' /proc/[0-9]*/cmdline | cut -d/ -f3`;

/** Ends them, each with its process group where it leads one. */
export const endResidents = (word: string): string =>
  `for process in $(${residents(word)}); do kill -9 -$process 2>/dev/null || kill -9 $process 2>/dev/null; done; true`;
