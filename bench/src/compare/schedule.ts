/** Who is measured in which turn of this round: the order is swapped in every second one, so that drift cancels out. */
export function turnsOf<T>(contenders: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? contenders : [...contenders].reverse()
}
