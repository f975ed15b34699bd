/**
 * The socket as a state machine: `step(state, input, env)` gives the next state and the effects for a driver to carry out. It owns
 * when to connect, sign in, ping, give up and wait; it knows nothing of conversations. No clock, chance, socket or timer of its own.
 */

import type { ClientFrame, ReadyFrame, ServerFrame } from '@/contract/frames'
import { fullJitter, STABLE_AFTER_MS } from '@/realtime/backoff'
import { CLOSE, closeAction } from '@/realtime/closeCodes'

export type Phase = 'idle' | 'connecting' | 'authenticating' | 'live' | 'waiting' | 'stopped'

export interface MachineState {
  readonly phase: Phase
  /** Counts sockets, so that the last words of an old one are not taken for the new one's. */
  readonly socket: number
  /** Attempts since the last stable connection. */
  readonly attempt: number
  /** When this phase gives up or tries again. */
  readonly deadline: number | null
  readonly liveSince: number
  readonly heartbeatMs: number
  readonly sentAt: number
  /** A ping that nothing has been heard after. */
  readonly pingedAt: number | null
  readonly pings: number
  readonly token: string | null
  readonly reauthenticating: boolean
  /** What a `bye` asked for. */
  readonly byeDelayMs: number | null
  readonly stopMessage: string | null
}

export type Input =
  | { kind: 'start' }
  | { kind: 'stop' }
  | { kind: 'token'; token: string }
  | { kind: 'token_failed' }
  | { kind: 'opened'; socket: number }
  | { kind: 'frame'; socket: number; frame: ServerFrame | null }
  | { kind: 'closed'; socket: number; code: number }
  | { kind: 'sent' }
  | { kind: 'tick' }
  | { kind: 'hurry' }

export type Effect =
  | { do: 'open'; socket: number }
  | { do: 'close'; code: number }
  | { do: 'want_token'; fresh: boolean }
  /** The first frame: the driver adds the cursors. */
  | { do: 'authenticate'; token: string }
  | { do: 'send'; frame: ClientFrame }
  | { do: 'ready'; frame: ReadyFrame }
  | { do: 'deliver'; frame: ServerFrame }
  | { do: 'lost' }
  | { do: 'sign_out' }

export interface Env {
  now: number
  random: number
}

export type Step = [MachineState, Effect[]]

/** How long connecting, and then signing in, may take. */
export const PATIENCE_MS = 15_000
/** How long a ping may go unanswered before the connection counts as dead. */
export const PONG_WITHIN_MS = 10_000

export const initialMachine: MachineState = {
  phase: 'idle',
  socket: 0,
  attempt: 0,
  deadline: null,
  liveSince: 0,
  heartbeatMs: 25_000,
  sentAt: 0,
  pingedAt: null,
  pings: 0,
  token: null,
  reauthenticating: false,
  byeDelayMs: null,
  stopMessage: null,
}

/** This will take one input and say what happens. */
export function step(state: MachineState, input: Input, env: Env): Step {
  switch (input.kind) {
    case 'start':
      return state.phase === 'idle' || state.phase === 'stopped' ? connect({ ...initialMachine, socket: state.socket }, env) : [state, []]
    case 'stop':
      return halt(state, null)
    case 'token':
      return takeToken(state, input.token, env)
    case 'token_failed':
      return state.phase === 'authenticating' ? drop(state, env) : [state, []]
    case 'opened':
      return current(state, input) && state.phase === 'connecting' ? signIn(state, env) : [state, []]
    case 'frame':
      return current(state, input) ? hear(state, input.frame, env) : [state, []]
    case 'closed':
      return current(state, input) ? closed(state, input.code, env) : [state, []]
    case 'sent':
      return [{ ...state, sentAt: env.now }, []]
    case 'tick':
      return tick(state, env)
    case 'hurry':
      return state.phase === 'waiting' ? connect(state, env) : tick(state, env)
  }
}

/** This will say when the machine wants its next `tick`, or `null`. */
export function wakeAt(state: MachineState): number | null {
  if (state.phase !== 'live') return state.deadline
  const dead = state.pingedAt === null ? Infinity : state.pingedAt + PONG_WITHIN_MS
  const stable = state.attempt > 0 ? state.liveSince + STABLE_AFTER_MS : Infinity
  return Math.min(dead, stable, state.sentAt + state.heartbeatMs)
}

function current(state: MachineState, input: { socket: number }): boolean {
  return input.socket === state.socket && (state.phase === 'connecting' || state.phase === 'authenticating' || state.phase === 'live')
}

function connect(state: MachineState, env: Env): Step {
  const socket = state.socket + 1
  return [{ ...state, phase: 'connecting', socket, deadline: env.now + PATIENCE_MS, byeDelayMs: null }, [{ do: 'open', socket }]]
}

function signIn(state: MachineState, env: Env): Step {
  const next: MachineState = { ...state, phase: 'authenticating', deadline: env.now + PATIENCE_MS, token: null, reauthenticating: false }
  return [next, [{ do: 'want_token', fresh: false }]]
}

function takeToken(state: MachineState, token: string, env: Env): Step {
  if (token === state.token) return [state, []]
  if (state.phase === 'authenticating' && state.token === null) {
    return [{ ...state, token, sentAt: env.now }, [{ do: 'authenticate', token }]]
  }
  if (state.phase !== 'live') return [state, []]
  const frame: ClientFrame = { type: 'auth', token }
  return [{ ...state, token, sentAt: env.now, reauthenticating: true }, [{ do: 'send', frame }]]
}

function hear(state: MachineState, frame: ServerFrame | null, env: Env): Step {
  const heard: MachineState = { ...state, pingedAt: null }
  if (frame === null || frame.type === 'pong') return [heard, []]
  if (frame.type === 'bye') return [{ ...heard, byeDelayMs: frame.reconnect_after_ms }, []]
  if (frame.type === 'ready') return state.phase === 'authenticating' ? goLive(heard, frame, env) : [heard, []]
  if (state.phase !== 'live') return [heard, []]
  if (frame.type !== 'session') return [heard, [{ do: 'deliver', frame }]]
  // An answer to our `auth`, or the warning that the token is about to end.
  if (state.reauthenticating) return [{ ...heard, reauthenticating: false }, []]
  return [heard, [{ do: 'want_token', fresh: true }]]
}

function goLive(state: MachineState, frame: ReadyFrame, env: Env): Step {
  const heartbeatMs = frame.heartbeat * 1_000
  return [{ ...state, phase: 'live', deadline: null, liveSince: env.now, heartbeatMs, sentAt: env.now }, [{ do: 'ready', frame }]]
}

function tick(state: MachineState, env: Env): Step {
  if (state.phase === 'live') return beat(state, env)
  if (state.deadline === null || env.now < state.deadline) return [state, []]
  return state.phase === 'waiting' ? connect(state, env) : drop(state, env)
}

function beat(state: MachineState, env: Env): Step {
  if (state.pingedAt !== null && env.now >= state.pingedAt + PONG_WITHIN_MS) return drop(state, env)
  const attempt = env.now >= state.liveSince + STABLE_AFTER_MS ? 0 : state.attempt
  if (env.now < state.sentAt + state.heartbeatMs) return [{ ...state, attempt }, []]
  const n = state.pings + 1
  const next: MachineState = { ...state, attempt, pings: n, sentAt: env.now, pingedAt: state.pingedAt ?? env.now }
  return [next, [{ do: 'send', frame: { type: 'ping', n } }]]
}

/** We give this socket up; whatever it still says has an old number. */
function drop(state: MachineState, env: Env): Step {
  const [next, effects] = closed(state, CLOSE.abnormal, env)
  return [next, [{ do: 'close', code: 4000 }, ...effects]]
}

function closed(state: MachineState, code: number, env: Env): Step {
  const action = closeAction(code)
  if (action.do === 'stop') return halt(state, action.message)
  if (action.do === 'sign_out') return append({ do: 'sign_out' }, halt(state, null))
  const stable = state.phase === 'live' && env.now >= state.liveSince + STABLE_AFTER_MS
  const attempt = stable ? 0 : state.attempt
  const floorMs = action.do === 'reconnect' ? action.floorMs : 0
  const delay = state.byeDelayMs ?? floorMs + fullJitter(attempt, env.random)
  const next: MachineState = {
    ...state,
    phase: 'waiting',
    socket: state.socket + 1,
    attempt: attempt + 1,
    deadline: env.now + delay,
    pingedAt: null,
    token: null,
    reauthenticating: false,
    byeDelayMs: null,
  }
  const effects: Effect[] = [{ do: 'lost' }]
  if (action.do === 'refresh') effects.push({ do: 'want_token', fresh: true })
  return [next, effects]
}

function halt(state: MachineState, stopMessage: string | null): Step {
  const open = state.phase === 'connecting' || state.phase === 'authenticating' || state.phase === 'live'
  const next: MachineState = { ...initialMachine, phase: 'stopped', socket: state.socket + 1, stopMessage }
  return [next, open ? [{ do: 'close', code: 1000 }, { do: 'lost' }] : []]
}

function append(effect: Effect, [state, effects]: Step): Step {
  return [state, [...effects, effect]]
}
