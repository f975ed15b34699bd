/**
 * Carries out what the machine decides, with the clock, chance, socket and timer it is given. The cursors of the first frame and
 * of the `resume` frames that follow `ready` are asked for at the moment they are needed.
 */

import { CURSORS_PER_FRAME, type ClientFrame, type Cursors, type Epochs, type ReadyFrame, type ServerFrame } from '@/contract/frames'
import { encodeFrame, parseFrame } from '@/realtime/codec'
import { initialMachine, step, wakeAt, type Effect, type Input, type MachineState } from '@/realtime/machine'

export interface SocketPort {
  send(text: string): void
  close(code: number): void
}

export interface SocketEvents {
  opened(): void
  message(data: unknown): void
  closed(code: number): void
}

export interface Position {
  conversation: string
  cursor: number
  epoch: string
}

export interface DriverPorts {
  now(): number
  random(): number
  openSocket(events: SocketEvents): SocketPort
  /** Run `wake` after so many milliseconds; the function given back calls it off. */
  later(ms: number, wake: () => void): () => void
  /** The current token; `fresh`: a new one. `null`: none to be had now. */
  token(fresh: boolean): Promise<string | null>
  positions(): Position[]
  ready(frame: ReadyFrame): void
  deliver(frame: ServerFrame): void
  lost(): void
  signOut(): void
  changed(state: MachineState): void
}

export interface Driver {
  start(): void
  stop(): void
  /** Reconnect now rather than at the end of the wait; look whether the connection is still alive. */
  hurry(): void
  /** A new token is there: a live connection is signed in again with it. */
  renew(token: string): void
  /** This will send a frame if the connection is live, and say whether it was. */
  send(frame: ClientFrame): boolean
}

/** This will make a driver; nothing happens before `start`. */
export function createDriver(ports: DriverPorts): Driver {
  let state = initialMachine
  let socket: SocketPort | null = null
  let unsentPositions: Position[] = []
  let callOff = () => {}

  function input(value: Input): void {
    const before = state
    const [next, effects] = step(state, value, { now: ports.now(), random: ports.random() })
    state = next
    for (const effect of effects) run(effect)
    callOff()
    const at = wakeAt(state)
    callOff = at === null ? () => {} : ports.later(Math.max(0, at - ports.now()), () => input({ kind: 'tick' }))
    if (before.phase !== state.phase || before.deadline !== state.deadline) ports.changed(state)
  }

  function run(effect: Effect): void {
    switch (effect.do) {
      case 'open':
        return open(effect.socket)
      case 'close':
        socket?.close(effect.code)
        socket = null
        return
      case 'want_token':
        void askToken(effect.fresh)
        return
      case 'authenticate':
        return authenticate(effect.token)
      case 'send':
        socket?.send(encodeFrame(effect.frame))
        return
      case 'ready':
        ports.ready(effect.frame)
        return resumeRest()
      case 'deliver':
        return ports.deliver(effect.frame)
      case 'lost':
        return ports.lost()
      case 'sign_out':
        return ports.signOut()
    }
  }

  function open(number: number): void {
    socket = ports.openSocket({
      opened: () => input({ kind: 'opened', socket: number }),
      message: (data) => input({ kind: 'frame', socket: number, frame: parseFrame(data) }),
      closed: (code) => input({ kind: 'closed', socket: number, code }),
    })
  }

  async function askToken(fresh: boolean): Promise<void> {
    const socketThen = state.socket
    const token = await ports.token(fresh).catch(() => null)
    if (token !== null) return input({ kind: 'token', token })
    if (state.socket === socketThen) input({ kind: 'token_failed' })
  }

  function authenticate(token: string): void {
    const positions = ports.positions()
    unsentPositions = positions.slice(CURSORS_PER_FRAME)
    socket?.send(encodeFrame({ type: 'auth', token, ...asCursors(positions.slice(0, CURSORS_PER_FRAME)) }))
  }

  function resumeRest(): void {
    while (unsentPositions.length > 0) {
      const chunk = unsentPositions.splice(0, CURSORS_PER_FRAME)
      socket?.send(encodeFrame({ type: 'resume', ...asCursors(chunk) }))
    }
  }

  return {
    start: () => input({ kind: 'start' }),
    stop: () => input({ kind: 'stop' }),
    hurry: () => input({ kind: 'hurry' }),
    renew: (token) => input({ kind: 'token', token }),
    send(frame) {
      if (state.phase !== 'live' || !socket) return false
      socket.send(encodeFrame(frame))
      input({ kind: 'sent' })
      return true
    },
  }
}

function asCursors(positions: Position[]): { cursors: Cursors; epochs: Epochs } {
  return {
    cursors: Object.fromEntries(positions.map(({ conversation, cursor }) => [conversation, cursor])),
    epochs: Object.fromEntries(positions.map(({ conversation, epoch }) => [conversation, epoch])),
  }
}
