/**
 * Text from outside as it may go to a terminal or into one line of a log: control characters, line separators
 * and marks that reverse the direction of writing become U+FFFD.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')
}
