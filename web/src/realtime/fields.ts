/**
 * Reading single fields out of parsed JSON without trusting it.
 */

export type Fields = Record<string, unknown>

export function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The string under `key`, or the empty one. */
export function text(fields: Fields, key: string): string {
  const value = fields[key]
  return typeof value === 'string' ? value : ''
}

export function textOrNull(fields: Fields, key: string): string | null {
  const value = fields[key]
  return typeof value === 'string' ? value : null
}

export function int(fields: Fields, key: string): number | null {
  const value = fields[key]
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : null
}

export function flag(fields: Fields, key: string): boolean {
  return fields[key] === true
}

/** This will read the records of a list and leave out what `read` refuses. */
export function arrayOf<T>(value: unknown, read: (fields: Fields) => T | null): T[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((item) => {
    const found = isRecord(item) ? read(item) : null
    return found === null ? [] : [found]
  })
}

export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}
