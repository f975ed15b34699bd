/**
 * How long an access token lasts, by its own claims. The difference of two of the server's times, so a wrong clock here does no harm.
 */

const UNREADABLE_MS = 5 * 60_000

/** This will read `exp - iat`; a token that cannot be read counts as five minutes. */
export function tokenLifetimeMs(token: string): number {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')
    const { exp, iat } = JSON.parse(atob(payload)) as { exp: number; iat: number }
    const lifetime = (exp - iat) * 1_000
    return Number.isFinite(lifetime) && lifetime > 0 ? lifetime : UNREADABLE_MS
  } catch {
    return UNREADABLE_MS
  }
}
