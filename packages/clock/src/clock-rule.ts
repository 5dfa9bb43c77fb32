/*
 * Whether things may expire by this process's clock (contract, section 7). Nothing expires by the word of one clock that
 * something contradicts: the last stamps of the logs, the clocks of other processes, its own monotonic clock.
 */

/** Another process's clock, as seen from this one. */
export interface PeerClock {
  /** Of the kernel that gives it the time: processes with one host share one clock. */
  readonly hostId: string
  /** How far it is ahead of this process's clock. */
  readonly aheadMs: number
}

/** A log's clock: what its next record would be stamped with. Never before its last stamp. */
export interface LogTime {
  /** How far it is ahead of this process's clock. */
  readonly aheadMs: number
  /** When it was opened, the clock was ahead of its last stamp by more than the limit, and nobody has confirmed it since. */
  readonly unconfirmed: boolean
}

/** All that is known about this process's clock. */
export interface ClockView {
  /** CLOCK_OFFSET_MAX */
  readonly limitMs: number
  readonly hostId: string
  /** How far the wall clock has moved against the monotonic one since this process took its time from it. */
  readonly jumpMs: number
  readonly peers: readonly PeerClock[]
  readonly logs: readonly LogTime[]
  /** What expires here is stamped by a log, and no log has told its time yet. */
  readonly awaitsLog: boolean
}

/**
 * trusted: things expire by it. off: something contradicts it. unconfirmed: it is ahead of a log that may have rested, or
 * may be wrong: nobody on another host has said which.
 */
export type ClockState = 'trusted' | 'off' | 'unconfirmed'

export interface ClockJudgement {
  readonly state: ClockState
  /** How far the clock is ahead of what differs most from it: a peer, a log, or the wall clock. */
  readonly offsetMs: number
  /** A sentence for people, with what to do; undefined when it is trusted. */
  readonly why: string | undefined
}

export function judgeClock(view: ClockView): ClockJudgement {
  const { limitMs, jumpMs, logs } = view
  const isAway = (aheadMs: number): boolean => Math.abs(aheadMs) > limitMs
  const offsetMs = offsetOf(view)
  const judged = (state: ClockState, why: string): ClockJudgement => ({ state, offsetMs, why })

  if (isAway(jumpMs)) {
    return judged(
      'off',
      `the wall clock has jumped by ${spanText(jumpMs)} since this process began; when it is right, pcs clock confirm or a restart takes it over`,
    )
  }
  if (!agreesWithMost(view)) {
    return judged(
      'off',
      `this clock is ${spanText(offsetMs)} from those of its peers; set the wrong one right, and restart what began by it`,
    )
  }
  const behindMs = Math.max(0, ...logs.map(({ aheadMs }) => aheadMs))
  if (isAway(behindMs)) {
    return judged(
      'off',
      `this clock is ${spanText(behindMs)} behind the last stamp of the log; set it right, or, when it is, say so by pcs clock confirm`,
    )
  }
  if (hasWitness(view)) return { state: 'trusted', offsetMs, why: undefined }
  if (view.awaitsLog) return judged('unconfirmed', 'the log has not told its time yet')
  if (logs.some(({ unconfirmed, aheadMs }) => unconfirmed || isAway(aheadMs))) {
    return judged(
      'unconfirmed',
      'this clock is far ahead of the last stamp of the log, and no process on another host has confirmed it; when it is right, say so by pcs clock confirm',
    )
  }
  return { state: 'trusted', offsetMs, why: undefined }
}

/** A strict majority of all clocks, this one included; processes of one host that agree are one clock. */
function agreesWithMost({ limitMs, hostId, peers }: ClockView): boolean {
  const clocks: PeerClock[] = [{ hostId, aheadMs: 0 }]
  for (const peer of peers) {
    const isKnown = clocks.some(
      (clock) => clock.hostId === peer.hostId && Math.abs(clock.aheadMs - peer.aheadMs) <= limitMs,
    )
    if (!isKnown) clocks.push(peer)
  }
  const agreeing = clocks.filter(({ aheadMs }) => Math.abs(aheadMs) <= limitMs)
  return agreeing.length * 2 > clocks.length
}

/** A process on another host whose clock agrees: then this one is right also where a log has rested. */
function hasWitness({ limitMs, hostId, peers }: ClockView): boolean {
  return peers.some((peer) => peer.hostId !== hostId && Math.abs(peer.aheadMs) <= limitMs)
}

function offsetOf({ jumpMs, peers, logs }: ClockView): number {
  const behind = logs.map(({ aheadMs }) => aheadMs).filter((aheadMs) => aheadMs > 0)
  const all = [-jumpMs, ...peers.map(({ aheadMs }) => aheadMs), ...behind]
  const farthest = all.reduce((most, one) => (Math.abs(one) > Math.abs(most) ? one : most), 0)
  return farthest === 0 ? 0 : -farthest
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const

/** A span of time for people, without its sign. */
function spanText(ms: number): string {
  const size = Math.abs(ms)
  const [unit, unitMs] = UNITS.find(([, least]) => size >= least) ?? ['s', 1_000]
  return `${Math.round((10 * size) / unitMs) / 10} ${unit}`
}
