import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { ReadyFrame, ServerFrame } from '@/contract/frames'
import { BACKOFF_CAP_MS } from '@/realtime/backoff'
import { initialMachine, PATIENCE_MS, PONG_WITHIN_MS, step, wakeAt, type Effect, type Input, type MachineState } from '@/realtime/machine'

const ready: ReadyFrame = {
  type: 'ready', user: { id: 'u', username: 'ada', display_name: 'Ada' }, session: { id: 's', expires_at: '' }, heartbeat: 25, conversations: [],
}

/** A machine and a clock that tests turn. */
class Bench {
  state: MachineState = initialMachine
  now = 1_000
  random = 0.5
  effects: Effect[] = []

  input(input: Input): Effect[] {
    const [state, effects] = step(this.state, input, { now: this.now, random: this.random })
    this.state = state
    this.effects = effects
    return effects
  }

  frame(frame: ServerFrame | null): Effect[] {
    return this.input({ kind: 'frame', socket: this.state.socket, frame })
  }

  close(code: number): Effect[] {
    return this.input({ kind: 'closed', socket: this.state.socket, code })
  }

  pass(ms: number): Effect[] {
    this.now += ms
    return this.input({ kind: 'tick' })
  }

  wait(): number {
    return (wakeAt(this.state) ?? Infinity) - this.now
  }

  live(): this {
    this.input({ kind: 'start' })
    this.input({ kind: 'opened', socket: this.state.socket })
    this.input({ kind: 'token', token: 'T1' })
    this.frame(ready)
    return this
  }
}

describe('signing in', () => {
  it('opens, asks for a token, authenticates, and is live at `ready`', () => {
    const bench = new Bench()
    expect(bench.input({ kind: 'start' })).toEqual([{ do: 'open', socket: 1 }])
    expect(bench.input({ kind: 'opened', socket: 1 })).toEqual([{ do: 'want_token', fresh: false }])
    expect(bench.input({ kind: 'token', token: 'T1' })).toEqual([{ do: 'authenticate', token: 'T1' }])
    expect(bench.frame(ready)).toEqual([{ do: 'ready', frame: ready }])
    expect(bench.state.phase).toBe('live')
  })

  it('gives up on a server that neither opens nor answers', () => {
    const bench = new Bench()
    bench.input({ kind: 'start' })
    expect(bench.wait()).toBe(PATIENCE_MS)
    bench.pass(PATIENCE_MS)
    expect(bench.state.phase).toBe('waiting')
    expect(bench.effects).toContainEqual({ do: 'close', code: 4000 })
  })

  it('waits and tries again when there is no token to be had', () => {
    const bench = new Bench()
    bench.input({ kind: 'start' })
    bench.input({ kind: 'opened', socket: 1 })
    bench.input({ kind: 'token_failed' })
    expect(bench.state.phase).toBe('waiting')
  })

  it('delivers nothing before `ready`', () => {
    const bench = new Bench()
    bench.input({ kind: 'start' })
    bench.input({ kind: 'opened', socket: 1 })
    expect(bench.frame({ type: 'left', conversation: 'c' })).toEqual([])
  })
})

describe('what a close code asks for', () => {
  it.each([4400, 4403, 4413])('%i: stops with a message', (code) => {
    const bench = new Bench().live()
    bench.close(code)
    expect(bench.state.phase).toBe('stopped')
    expect(bench.state.stopMessage).toBeTruthy()
    expect(wakeAt(bench.state)).toBeNull()
  })

  it('4401: refreshes, then reconnects', () => {
    const bench = new Bench().live()
    expect(bench.close(4401)).toEqual([{ do: 'lost' }, { do: 'want_token', fresh: true }])
    expect(bench.state.phase).toBe('waiting')
  })

  it('4409: signs out', () => {
    const bench = new Bench().live()
    expect(bench.close(4409)).toContainEqual({ do: 'sign_out' })
    expect(bench.state.phase).toBe('stopped')
  })

  it.each([4408, 4429, 4430, 4431])('%i: reconnects later, never at once', (code) => {
    const bench = new Bench().live()
    bench.random = 0
    bench.close(code)
    expect(bench.wait()).toBeGreaterThanOrEqual(1_000)
  })

  it.each([1001, 1006, 1011, 1012, 1000, 4999])('%i: reconnects with jitter', (code) => {
    const bench = new Bench().live()
    bench.close(code)
    expect(bench.wait()).toBe(250)
    expect(bench.pass(250)).toContainEqual({ do: 'open', socket: bench.state.socket })
  })

  it('respects what `bye` asked for', () => {
    const bench = new Bench().live()
    bench.frame({ type: 'bye', reason: 'restarting', reconnect_after_ms: 7_300 })
    bench.close(1012)
    expect(bench.wait()).toBe(7_300)
  })
})

describe('backing off', () => {
  it('doubles to 30 s while connections fail', () => {
    const bench = new Bench()
    bench.random = 0.999
    bench.input({ kind: 'start' })
    const waits: number[] = []
    for (let attempt = 0; attempt < 9; attempt += 1) {
      bench.close(1006)
      waits.push(bench.wait())
      bench.pass(bench.wait())
    }
    expect(waits.slice(0, 6)).toEqual([499, 999, 1998, 3996, 7992, 15984])
    expect(Math.max(...waits)).toBeLessThanOrEqual(BACKOFF_CAP_MS)
  })

  it('starts anew only after a connection was stable for 30 s', () => {
    const bench = new Bench()
    bench.random = 0.999
    bench.input({ kind: 'start' })
    for (let attempt = 0; attempt < 4; attempt += 1) {
      bench.close(1006)
      bench.pass(bench.wait())
    }
    const reconnect = () => {
      bench.input({ kind: 'opened', socket: bench.state.socket })
      bench.input({ kind: 'token', token: 'T' })
      bench.frame(ready)
    }
    reconnect()
    bench.close(1006)
    expect(bench.wait()).toBe(7_992)
    bench.pass(bench.wait())
    reconnect()
    bench.now += 30_000
    bench.close(1006)
    expect(bench.wait()).toBe(499)
  })

  it('reconnects at once when somebody is in a hurry', () => {
    const bench = new Bench().live()
    bench.close(1006)
    expect(bench.input({ kind: 'hurry' })[0]).toMatchObject({ do: 'open' })
  })
})

describe('staying alive', () => {
  it('pings after a heartbeat without a frame, and not before', () => {
    const bench = new Bench().live()
    expect(bench.wait()).toBe(25_000)
    expect(bench.pass(24_999)).toEqual([])
    expect(bench.pass(1)).toEqual([{ do: 'send', frame: { type: 'ping', n: 1 } }])
    bench.frame({ type: 'pong', n: 1 })
    bench.now += 20_000
    bench.input({ kind: 'sent' })
    expect(bench.wait()).toBe(25_000)
  })

  it('drops a connection that does not answer a ping', () => {
    const bench = new Bench().live()
    bench.pass(25_000)
    expect(bench.wait()).toBe(PONG_WITHIN_MS)
    expect(bench.pass(PONG_WITHIN_MS)).toEqual([{ do: 'close', code: 4000 }, { do: 'lost' }])
    expect(bench.state.phase).toBe('waiting')
  })

  it('takes any frame as a sign of life, even one it does not know', () => {
    const bench = new Bench().live()
    bench.pass(25_000)
    bench.frame(null)
    expect(bench.pass(PONG_WITHIN_MS)).toEqual([])
    expect(bench.state.phase).toBe('live')
  })
})

describe('the session', () => {
  it('refreshes at the warning and signs in again, once', () => {
    const bench = new Bench().live()
    expect(bench.frame({ type: 'session', expires_at: '' })).toEqual([{ do: 'want_token', fresh: true }])
    expect(bench.input({ kind: 'token', token: 'T2' })).toEqual([{ do: 'send', frame: { type: 'auth', token: 'T2' } }])
    expect(bench.input({ kind: 'token', token: 'T2' })).toEqual([])
    expect(bench.frame({ type: 'session', expires_at: '' })).toEqual([])
    expect(bench.frame({ type: 'session', expires_at: '' })).toEqual([{ do: 'want_token', fresh: true }])
  })
})

describe('under any inputs', () => {
  const input = fc.oneof(
    fc.constantFrom<Input>({ kind: 'start' }, { kind: 'stop' }, { kind: 'tick' }, { kind: 'hurry' }, { kind: 'sent' }, { kind: 'token_failed' }),
    fc.constantFrom('A', 'B').map((token): Input => ({ kind: 'token', token })),
    fc.nat({ max: 6 }).map((socket): Input => ({ kind: 'opened', socket })),
    fc.record({ kind: fc.constant('closed' as const), socket: fc.nat({ max: 6 }), code: fc.constantFrom(1006, 1012, 4400, 4401, 4409, 4431) }),
    fc.record({
      kind: fc.constant('frame' as const),
      socket: fc.nat({ max: 6 }),
      frame: fc.constantFrom<ServerFrame | null>(ready, null, { type: 'left', conversation: 'c' }, { type: 'session', expires_at: '' }),
    }),
  )

  it('never stands still while it should be connected, and never has two sockets', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(input, fc.nat({ max: 40_000 })), { maxLength: 60 }), (inputs) => {
        const bench = new Bench()
        let open = 0
        for (const [value, ms] of inputs) {
          bench.now += ms
          const before = bench.state
          for (const effect of bench.input(value)) {
            if (effect.do === 'open') open += 1
            if (effect.do === 'close') open -= 1
          }
          const wasOpen = before.phase === 'connecting' || before.phase === 'authenticating' || before.phase === 'live'
          const closedItself = value.kind === 'closed' && wasOpen && value.socket === before.socket
          if (closedItself && !bench.effects.some((effect) => effect.do === 'close')) open -= 1
          expect(open).toBeLessThanOrEqual(1)
          const { phase } = bench.state
          if (phase !== 'idle' && phase !== 'stopped') expect(wakeAt(bench.state)).not.toBeNull()
          if (phase === 'idle' || phase === 'stopped' || phase === 'waiting') expect(open).toBe(0)
        }
      }),
    )
  })

  it('ignores the last words of an older socket', () => {
    const bench = new Bench().live()
    const old = bench.state.socket
    bench.close(1006)
    bench.pass(bench.wait())
    const before = bench.state
    bench.input({ kind: 'closed', socket: old, code: 4409 })
    bench.input({ kind: 'frame', socket: old, frame: ready })
    expect(bench.state).toBe(before)
  })
})
