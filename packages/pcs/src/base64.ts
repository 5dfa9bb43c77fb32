/** The bytes of a standard base64 text with padding, or undefined unless encoding them again gives the same text. */
export function decodeCanonicalBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}
