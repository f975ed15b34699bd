/**
 * How long to wait before the next attempt: full jitter, 0.5 s doubling to 30 s.
 */

export const BACKOFF_BASE_MS = 500
export const BACKOFF_CAP_MS = 30_000
/** A connection that lived this long counts as stable and starts the doubling anew. */
export const STABLE_AFTER_MS = 30_000

/**
 * This will draw the delay before attempt number `attempt` (from 0).
 *
 * @param random a number in [0, 1)
 */
export function fullJitter(attempt: number, random: number): number {
  const ceiling = Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** Math.min(attempt, 16))
  return Math.floor(random * ceiling)
}
