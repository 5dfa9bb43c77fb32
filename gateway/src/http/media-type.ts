const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
/** One parameter, or an empty place between semicolons, from where the last one ended (RFC 9110, section 5.6.6). */
const PARAMETER = new RegExp(`[ \\t]*;[ \\t]*(?:(${TOKEN})=(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)"))?`, 'y')
const ESSENCE = /^application\/json(?=[ \t]*(?:;|$))/i

/** Whether a Content-Type says JSON in UTF-8: `application/json`, with no charset but UTF-8. */
export function isJsonInUtf8(contentType: string): boolean {
  if (contentType === 'application/json') return true
  const essence = ESSENCE.exec(contentType)?.[0]
  if (essence === undefined) return false
  let position = essence.length
  while (position < contentType.length) {
    PARAMETER.lastIndex = position
    const parameter = PARAMETER.exec(contentType)
    // What is left may only be white space.
    if (!parameter) return /^[ \t]*$/.test(contentType.slice(position))
    const [text, name, token, quoted] = parameter
    const value = token ?? quoted?.replace(/\\(.)/g, '$1')
    if (name?.toLowerCase() === 'charset' && value?.toLowerCase() !== 'utf-8') return false
    position += text.length
  }
  return true
}
