const form = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/

const minutesOfDay = 24 * 60

/**
 * Whether a text is an RFC 3339 date-time: a day of the calendar, a time of day and an offset. A second 60 counts
 * only where RFC 3339, section 5.7, has it: in the last minute of a month, UTC.
 */
export function isDateTime(text: string): boolean {
  if (!form.test(text)) return false
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2)
  const month = twoDigits(text, 5)
  const day = twoDigits(text, 8)
  const hour = twoDigits(text, 11)
  const minute = twoDigits(text, 14)
  const second = twoDigits(text, 17)
  const daysMax = daysOfMonth(year, month)
  if (month < 1 || month > 12 || day < 1 || day > daysMax) return false
  if (hour > 23 || minute > 59 || second > 60) return false

  const sign = text.at(-6)
  const hasOffset = sign === '+' || sign === '-'
  const offsetHour = hasOffset ? twoDigits(text, text.length - 5) : 0
  const offsetMinute = hasOffset ? twoDigits(text, text.length - 2) : 0
  if (offsetHour > 23 || offsetMinute > 59) return false
  if (second < 60) return true

  const offset = (sign === '-' ? -1 : 1) * (offsetHour * 60 + offsetMinute)
  const minuteUtc = hour * 60 + minute - offset
  const dayUtc = day + Math.floor(minuteUtc / minutesOfDay)
  const isLastMinute = minuteUtc - (dayUtc - day) * minutesOfDay === minutesOfDay - 1
  // Day 0 is the last one of the month before.
  return isLastMinute && (dayUtc === 0 || dayUtc === daysMax)
}

function twoDigits(text: string, index: number): number {
  return (text.charCodeAt(index) - 48) * 10 + text.charCodeAt(index + 1) - 48
}

function daysOfMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}
