const form = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/

const minutesOfDay = 24 * 60

/**
 * Whether a text is an RFC 3339 date-time: a day of the calendar, a time of day and an offset. A second 60 counts
 * only where RFC 3339, section 5.7, has it: in the last minute of a month, UTC.
 */
export function isDateTime(text: string): boolean {
  const match = form.exec(text)
  if (match === null) return false
  const year = Number(match[1])
  const month = Number(match[2])
  const day = Number(match[3])
  const hour = Number(match[4])
  const minute = Number(match[5])
  const second = Number(match[6])
  const offsetHour = Number(match[8] ?? 0)
  const offsetMinute = Number(match[9] ?? 0)
  if (month < 1 || month > 12 || day < 1 || day > daysOfMonth(year, month)) return false
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return false
  if (second < 60) return true

  const offset = (match[7] === '-' ? -1 : 1) * (offsetHour * 60 + offsetMinute)
  const minuteUtc = hour * 60 + minute - offset
  const lastMinute = ((minuteUtc % minutesOfDay) + minutesOfDay) % minutesOfDay === minutesOfDay - 1
  const dayUtc = day + Math.floor(minuteUtc / minutesOfDay)
  // Day 0 is the last one of the month before.
  return lastMinute && (dayUtc === 0 || dayUtc === daysOfMonth(year, month))
}

function daysOfMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}
