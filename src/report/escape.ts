/** Text for HTML and SVG, in content and in quoted attributes. */
export const escape = (text: unknown): string => String(text).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
