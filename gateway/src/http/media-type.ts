const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
/** One parameter, or an empty place between semicolons, from where the last one ended (RFC 9110, section 5.6.6). */
const PARAMETER = new RegExp(`[ \\t]*;[ \\t]*(?:(${TOKEN})=(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)"))?`, 'y')

/**
 * Whether a Content-Type says this type in UTF-8, with no charset but that.
 * @param mediaType in lower case, such as `application/json`
 */
export function isInUtf8(contentType: string, mediaType: string): boolean {
  if (contentType === mediaType) return true
  if (contentType.slice(0, mediaType.length).toLowerCase() !== mediaType) return false
  if (!/^[ \t]*(?:;|$)/.test(contentType.slice(mediaType.length))) return false
  let position = mediaType.length
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
