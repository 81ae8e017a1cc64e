import pino from 'pino';

/** The harness's own log, apart from the record of a run. Silent unless asked for; it goes to standard error. */
export const log = pino({ level: process.env['SLOTQUAKE_LOG'] ?? 'silent', base: null }, pino.destination({ dest: 2, sync: true }));
