/**
 * What each WebSocket close code asks of a client (docs/protocol.md section 5, last table).
 */

export const CLOSE = {
  goingAway: 1001,
  abnormal: 1006,
  internalError: 1011,
  restarting: 1012,
  malformed: 4400,
  unauthenticated: 4401,
  forbiddenOrigin: 4403,
  noAuthInTime: 4408,
  sessionRevoked: 4409,
  frameTooLarge: 4413,
  rateLimited: 4429,
  tooSlow: 4430,
  tooManyConnections: 4431,
} as const

export type CloseAction =
  | { do: 'stop'; message: string }
  | { do: 'sign_out' }
  | { do: 'refresh' }
  | { do: 'reconnect'; floorMs: number }

const stops: Record<number, string> = {
  [CLOSE.malformed]: 'The server did not understand this page. Reload to get the current version.',
  [CLOSE.forbiddenOrigin]: 'The server does not accept connections from this address.',
  [CLOSE.frameTooLarge]: 'This page sent something too large and was disconnected. Reload to go on.',
}

/** "Reconnects later": a floor below the jitter, so that zero is never drawn. */
const floors: Record<number, number> = {
  [CLOSE.noAuthInTime]: 1_000,
  [CLOSE.tooSlow]: 1_000,
  [CLOSE.rateLimited]: 5_000,
  [CLOSE.tooManyConnections]: 5_000,
}

/** This will say what to do after a close; a code nobody knows is a reason to reconnect. */
export function closeAction(code: number): CloseAction {
  const message = stops[code]
  if (message !== undefined) return { do: 'stop', message }
  if (code === CLOSE.sessionRevoked) return { do: 'sign_out' }
  if (code === CLOSE.unauthenticated) return { do: 'refresh' }
  return { do: 'reconnect', floorMs: floors[code] ?? 0 }
}
