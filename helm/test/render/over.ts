/** Maps joined, as Helm lays values over each other. */
export function over(base: object, values: object): object {
  const result: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(values)) {
    const under = result[key]
    result[key] = isMap(under) && isMap(value) ? over(under, value) : value
  }
  return result
}

function isMap(value: unknown): value is object {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
