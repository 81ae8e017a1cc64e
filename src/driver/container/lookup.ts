/** Asks for the address of a name as programs in a container do; one that gets no answer is ended. */
export const lookupScript = (name: string, withinSeconds = 1): string => `timeout ${withinSeconds} nslookup -type=a ${name} 2>&1`;

/** The address that was answered; undefined where none was. */
export const addressOf = (output: string): string | undefined => /^Name:.*\n+Address(?: 1)?:\s*(\S+)/m.exec(output)?.[1];
