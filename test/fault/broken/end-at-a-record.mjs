// A process that a record ends: it is gone as soon as it reads a text with this word.
const WORD = 'deadly'

const { decode } = TextDecoder.prototype

/** @type {typeof decode} */
TextDecoder.prototype.decode = function (input, options) {
  const text = decode.call(this, input, options)
  if (text.includes(WORD)) process.kill(process.pid, 'SIGKILL')
  return text
}
