import { beforeEach, describe, expect, it } from 'vitest'

import { createDriver, type Driver, type DriverPorts, type Position, type SocketEvents } from '@/realtime/driver'

class FakeSocket {
  sent: Record<string, unknown>[] = []
  closedWith: number | null = null
  constructor(readonly events: SocketEvents) {}
  send = (text: string) => void this.sent.push(JSON.parse(text) as Record<string, unknown>)
  close = (code: number) => (this.closedWith = code)
  receive = (frame: object) => this.events.message(JSON.stringify(frame))
}

const ready = { type: 'ready', user: { id: 'u' }, session: { id: 's' }, heartbeat: 25, conversations: [] }

describe('the driver', () => {
  let sockets: FakeSocket[]
  let calls: string[]
  let now: number
  let timers: { at: number; wake: () => void }[]
  let positions: Position[]
  let token: string | null
  let driver: Driver
  const latest = () => sockets.at(-1) as FakeSocket
  const settled = () => new Promise((resolve) => setTimeout(resolve))

  async function connect(): Promise<void> {
    latest().events.opened()
    await settled()
    latest().receive(ready)
  }

  function pass(ms: number): void {
    now += ms
    const due = timers.filter((timer) => timer.at <= now)
    timers = timers.filter((timer) => timer.at > now)
    due.forEach((timer) => timer.wake())
  }

  beforeEach(() => {
    ;[sockets, calls, now, timers, positions, token] = [[], [], 0, [], [], 'T1']
    const ports: DriverPorts = {
      now: () => now,
      random: () => 0.5,
      openSocket(events) {
        sockets.push(new FakeSocket(events))
        return latest()
      },
      later(ms, wake) {
        const timer = { at: now + ms, wake }
        timers.push(timer)
        return () => (timers = timers.filter((other) => other !== timer))
      },
      token: (fresh) => {
        calls.push(fresh ? 'refresh' : 'token')
        return Promise.resolve(token)
      },
      positions: () => positions,
      ready: () => calls.push('ready'),
      deliver: (frame) => calls.push(frame.type),
      lost: () => calls.push('lost'),
      signOut: () => calls.push('sign out'),
      changed: () => {},
    }
    driver = createDriver(ports)
    driver.start()
  })

  it('puts the token in the first frame, never in an address, with the cursors of the moment', async () => {
    positions = [{ conversation: 'c1', cursor: 7, epoch: 'e1' }]
    await connect()
    expect(latest().sent).toEqual([{ type: 'auth', token: 'T1', cursors: { c1: 7 }, epochs: { c1: 'e1' } }])
    expect(calls).toEqual(['token', 'ready'])
  })

  it('sends cursors beyond the first 500 with `resume`, after `ready`', async () => {
    positions = Array.from({ length: 1_201 }, (_, n) => ({ conversation: `c${String(n)}`, cursor: n, epoch: 'e' }))
    latest().events.opened()
    await settled()
    expect(latest().sent).toHaveLength(1)
    latest().receive(ready)
    expect(latest().sent.map((frame) => [frame['type'], Object.keys(frame['cursors'] as object).length])).toEqual([
      ['auth', 500],
      ['resume', 500],
      ['resume', 201],
    ])
  })

  it('says whether a frame went out', async () => {
    expect(driver.send({ type: 'read', conversation: 'c', seq: 1 })).toBe(false)
    await connect()
    expect(driver.send({ type: 'read', conversation: 'c', seq: 1 })).toBe(true)
    latest().events.closed(1006)
    expect(driver.send({ type: 'read', conversation: 'c', seq: 1 })).toBe(false)
  })

  it('reconnects after a close and resumes from where it is then', async () => {
    await connect()
    latest().events.closed(1012)
    positions = [{ conversation: 'c1', cursor: 9, epoch: 'e1' }]
    pass(250)
    expect(sockets).toHaveLength(2)
    await connect()
    expect(latest().sent[0]).toMatchObject({ cursors: { c1: 9 } })
  })

  it('refreshes after 4401 and signs out after 4409', async () => {
    await connect()
    latest().events.closed(4401)
    expect(calls).toContain('refresh')
    await settled()
    pass(1_000)
    await connect()
    latest().events.closed(4409)
    expect(calls).toContain('sign out')
    pass(100_000)
    expect(sockets).toHaveLength(2)
  })

  it('signs a live connection in again with a new token', async () => {
    await connect()
    driver.renew('T2')
    driver.renew('T2')
    expect(latest().sent.slice(1)).toEqual([{ type: 'auth', token: 'T2' }])
  })

  it('pings, and drops a socket that is silent', async () => {
    await connect()
    pass(25_000)
    expect(latest().sent.at(-1)).toEqual({ type: 'ping', n: 1 })
    pass(10_000)
    expect(latest().closedWith).toBe(4000)
    expect(calls.at(-1)).toBe('lost')
  })

  it('stops for good', async () => {
    await connect()
    driver.stop()
    expect(latest().closedWith).toBe(1000)
    pass(1_000_000)
    expect(sockets).toHaveLength(1)
  })
})
