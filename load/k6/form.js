// The whole profile, or a short form of it: the same shape in less time, with fewer users.

/**
 * @param {string | undefined} secondsText how long the whole shall take
 * @param {string | undefined} scaleText share of users, or of the rate, that is wanted: 0.1
 */
export function scaled(secondsText, scaleText) {
  const seconds = positive('LOAD_SECONDS', secondsText)
  const scale = positive('LOAD_SCALE', scaleText) ?? 1
  return {
    /**
     * The stages of a profile, made shorter in proportion.
     * @param {readonly { seconds: number, target: number }[]} whole
     */
    stages(whole) {
      const wholeSeconds = whole.reduce((sum, stage) => sum + stage.seconds, 0)
      const share = seconds === undefined ? 1 : seconds / wholeSeconds
      return whole.map((stage) => ({
        duration: `${Math.max(1, Math.round(stage.seconds * share * 1_000))}ms`,
        target: this.count(stage.target),
      }))
    },
    /** @param {number} wholeSeconds */
    duration: (wholeSeconds) => `${seconds ?? wholeSeconds}s`,
    /** @param {number} whole users, or arrivals in a second */
    count: (whole) => (whole === 0 ? 0 : Math.max(1, Math.round(whole * scale))),
  }
}

/**
 * @param {string} name
 * @param {string | undefined} text
 */
function positive(name, text) {
  if (text === undefined || text === '') return undefined
  const value = Number(text)
  if (!(value > 0) || !Number.isFinite(value)) throw new Error(`${name} is a number above 0, not ${text}`)
  return value
}
