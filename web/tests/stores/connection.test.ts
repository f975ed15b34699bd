/** The stores together, against a fake server: what a person would see. */

import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import type { ChatEvent } from '@/contract/events'
import { useConnectionStore } from '@/stores/useConnectionStore'
import { useConversationsStore } from '@/stores/useConversationsStore'
import { useOutboxStore } from '@/stores/useOutboxStore'
import { useSessionStore } from '@/stores/useSessionStore'
import { useTypingStore } from '@/stores/useTypingStore'

import { account, FakeServer, FakeSocket, settled } from '../support/server'
import { ADA, GRACE, LINUS, ROOM, World } from '../support/world'

describe('the connection', () => {
  let server: FakeServer
  let world: World
  const log = () => useConversationsStore().get(ROOM)
  const socket = () => FakeSocket.latest
  const frame = (event: ChatEvent) => ({ type: 'event', ...event, ...(event.kind === 'unknown' ? { kind: event.name } : {}) })
  const post = (by: string) => {
    world.perform({ do: 'post', by, mention: false })
    return world.events.at(-1) as ChatEvent
  }

  async function goLive(conversations?: object[]): Promise<void> {
    socket().onopen()
    await settled()
    const item = { id: ROOM, kind: 'group', epoch: 'e1', visible_from_seq: 1, last_seq: world.head, read_seq: world.snapshot().read_seq }
    socket().receive({ type: 'ready', user: account(ADA), session: { id: 's', expires_at: '' }, heartbeat: 25, conversations: conversations ?? [item] })
    await settled()
  }

  beforeEach(async () => {
    vi.useFakeTimers()
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    setActivePinia(createPinia())
    world = new World()
    post(GRACE)
    server = new FakeServer()
    server.install()
    server.on('POST', '/api/auth/token/', () => ({ body: { user: account(ADA), access: 'T1' } }))
    server.on('GET', '/api/conversations/', () => ({ body: { conversations: [world.snapshot()], next: null } }))
    server.on('GET', `/api/conversations/${ROOM}/`, () => ({ body: world.snapshot() }))
    server.on('GET', `/api/conversations/${ROOM}/messages/`, () => ({ body: world.page() }))
    server.on('GET', `/api/conversations/${ROOM}/events/`, ({ query }) => ({
      body: { events: world.events.slice(Number(query.get('after'))), last_seq: world.head },
    }))
    await enter()
  })

  async function enter(): Promise<void> {
    await useSessionStore().signIn('ada', 'secret')
    await useConversationsStore().load()
    await useConversationsStore().open(ROOM)
    useOutboxStore().restore()
    useConnectionStore().start()
    await goLive()
  }

  async function reload(): Promise<void> {
    useConnectionStore().stop()
    setActivePinia(createPinia())
    await enter()
  }

  afterEach(() => {
    useConnectionStore().stop()
    vi.useRealTimers()
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
  })

  it('signs in with its cursors, over the subprotocol, without a token in the address', () => {
    expect([socket().url.href, socket().protocol]).toEqual(['ws://chat.example/ws', 'chatire.v1'])
    expect(socket().sent[0]).toEqual({ type: 'auth', token: 'T1', cursors: { [ROOM]: 2 }, epochs: { [ROOM]: 'e1' } })
  })

  it('shows what arrives, and counts it', () => {
    socket().receive(frame(post(GRACE)))
    socket().receive({ type: 'events', conversation: ROOM, events: [post(LINUS), post(LINUS)] })
    expect(log()?.messages).toHaveLength(4)
    expect(log()?.conversation.unread_count).toBe(4)
  })

  it('fills a hole from the log', async () => {
    post(GRACE)
    post(GRACE)
    socket().receive(frame(post(GRACE)))
    expect(log()?.messages).toHaveLength(1)
    await settled()
    expect(log()?.messages).toHaveLength(4)
    expect(log()?.cursor).toBe(5)
  })

  it('fetches all anew when the log does not reach back so far', async () => {
    server.on('GET', `/api/conversations/${ROOM}/events/`, () => ({ status: 410, body: { code: 'cursor_expired' } }))
    post(GRACE)
    socket().receive(frame(post(GRACE)))
    await settled()
    expect(log()).toMatchObject({ cursor: 4, stale: false })
    expect(log()?.messages).toHaveLength(3)
  })

  it('fetches all anew after a `resync`, and goes on', async () => {
    for (let n = 0; n < 3; n += 1) post(GRACE)
    socket().receive({ type: 'resync', conversation: ROOM, last_seq: world.head })
    socket().receive(frame(post(LINUS)))
    await settled()
    expect(log()?.messages.map((message) => message.seq)).toEqual([2, 3, 4, 5, 6])
    expect(log()?.conversation).toMatchObject({ unread_count: 5, last_seq: 6 })
  })

  it('throws away an answer from before a `resync`', async () => {
    const old = { summary: world.snapshot(), page: world.page() }
    let release = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    let asked = 0
    const late = (before: unknown, now: () => unknown) => async () => {
      asked += 1
      if (asked > 1) return { body: now() }
      await held
      return { body: before }
    }
    server.on('GET', `/api/conversations/${ROOM}/messages/`, late(old.page, () => world.page()))
    server.on('GET', `/api/conversations/${ROOM}/`, late(old.summary, () => world.snapshot()))
    useConversationsStore().refetch(ROOM)
    for (let n = 0; n < 3; n += 1) post(GRACE)
    socket().receive({ type: 'resync', conversation: ROOM, last_seq: world.head })
    release()
    await settled()
    await settled()
    expect(log()).toMatchObject({ stale: false, cursor: 5, conversation: { last_seq: 5, unread_count: 4 } })
    expect(log()?.messages).toHaveLength(4)
  })

  it('sends, keeps the row until its event, and drops it then', async () => {
    const outbox = useOutboxStore()
    outbox.post(ROOM, 'Hello')
    const sent = socket().of('send')[0] as { id: string }
    expect(sent).toMatchObject({ conversation: ROOM, body: 'Hello' })
    expect(outbox.items[0]?.state).toBe('sending')
    socket().receive({ type: 'ack', id: sent.id, conversation: ROOM, seq: 3, message_id: 'm3' })
    expect(outbox.items[0]).toMatchObject({ state: 'acked', seq: 3 })
    const event = post(ADA)
    if (event.kind === 'message.created') event.data.client_id = sent.id
    socket().receive(frame(event))
    await settled()
    expect(outbox.items).toEqual([])
  })

  it('takes the event for the confirmation when it is first', () => {
    const outbox = useOutboxStore()
    outbox.post(ROOM, 'Hello')
    const id = String(socket().of('send')[0]?.['id'])
    const event = post(ADA)
    if (event.kind === 'message.created') event.data.client_id = id
    socket().receive(frame(event))
    socket().receive({ type: 'ack', id, conversation: ROOM, seq: event.seq, message_id: 'm' })
    expect(outbox.items).toEqual([])
  })

  it('sends again, in order and with the same ids, after a reconnect', async () => {
    const outbox = useOutboxStore()
    outbox.post(ROOM, 'one')
    const first = String(socket().of('send')[0]?.['id'])
    socket().onclose({ code: 1006 })
    outbox.post(ROOM, 'two')
    vi.advanceTimersByTime(1_000)
    await goLive()
    expect(FakeSocket.all).toHaveLength(2)
    expect(socket().of('send').map((sent) => sent['id'])).toEqual([first])
    socket().receive({ type: 'ack', id: first, conversation: ROOM, seq: 3, message_id: 'm' })
    expect(socket().of('send').map((sent) => sent['body'])).toEqual(['one', 'two'])
  })

  it('sends again, in order and with the same ids, after a reload of the page', async () => {
    for (const body of ['one', 'two']) useOutboxStore().post(ROOM, body)
    const first = String(socket().of('send')[0]?.['id'])
    await reload()
    expect(socket().of('send').map((sent) => [sent['id'], sent['body']])).toEqual([[first, 'one']])
    socket().receive({ type: 'ack', id: first, conversation: ROOM, seq: 3, message_id: 'm' })
    expect(socket().of('send').map((sent) => sent['body'])).toEqual(['one', 'two'])
    await reload()
    expect(socket().of('send').map((sent) => sent['body'])).toEqual(['two'])
  })

  it('remembers nothing after signing out, and sends nothing to a conversation that was left meanwhile', async () => {
    useOutboxStore().post(ROOM, 'Hello')
    await reload()
    server.on('GET', '/api/conversations/', () => ({ body: { conversations: [], next: null } }))
    useConnectionStore().stop()
    setActivePinia(createPinia())
    await useSessionStore().signIn('ada', 'secret')
    await useConversationsStore().load()
    useOutboxStore().restore()
    useConnectionStore().start()
    await goLive([])
    expect([useOutboxStore().items, socket().of('send')]).toEqual([[], []])
    useOutboxStore().post(ROOM, 'Hello')
    useOutboxStore().clear()
    useOutboxStore().restore()
    expect(useOutboxStore().items).toEqual([])
  })

  it('leaves a refused one to the person, and sends it under the same id on demand', () => {
    const outbox = useOutboxStore()
    outbox.post(ROOM, 'Hello')
    const id = String(socket().of('send')[0]?.['id'])
    socket().receive({ type: 'error', code: 'archived', detail: 'Archived.', id, retryable: false })
    expect(outbox.items[0]).toMatchObject({ state: 'failed', error: 'Archived.' })
    outbox.retry(id)
    expect(socket().of('send').map((sent) => sent['id'])).toEqual([id, id])
  })

  it('waits as long as a rate limit asks', () => {
    useOutboxStore().post(ROOM, 'Hello')
    const id = String(socket().of('send')[0]?.['id'])
    socket().receive({ type: 'error', code: 'rate_limited', detail: '', id, retryable: true, retry_after_ms: 2_000 })
    vi.advanceTimersByTime(1_900)
    expect(socket().of('send')).toHaveLength(1)
    vi.advanceTimersByTime(200)
    expect(socket().of('send')).toHaveLength(2)
  })

  it('marks as read here at once, and tells the server, once', () => {
    const connection = useConnectionStore()
    connection.markRead(ROOM, 2)
    connection.markRead(ROOM, 2)
    expect(log()?.conversation.unread_count).toBe(0)
    expect(socket().of('read')).toEqual([{ type: 'read', conversation: ROOM, seq: 2 }])
  })

  it('tells the server after a reconnect what was read without it', async () => {
    socket().onclose({ code: 1006 })
    useConnectionStore().markRead(ROOM, 2)
    vi.advanceTimersByTime(1_000)
    await goLive()
    expect(socket().of('read')).toEqual([{ type: 'read', conversation: ROOM, seq: 2 }])
  })

  it('follows the read marker of the person’s other pages', () => {
    socket().receive({ type: 'read', conversation: ROOM, user: ADA, seq: 2 })
    expect(log()?.conversation).toMatchObject({ read_seq: 2, unread_count: 0 })
    socket().receive({ type: 'read', conversation: ROOM, user: GRACE, seq: 2 })
  })

  it('fetches a conversation it joined, and folds in what came meanwhile', async () => {
    const other = 'other-room'
    const summary = { ...world.snapshot(), id: other, last_seq: 2 }
    server.on('GET', `/api/conversations/${other}/`, () => ({ body: summary }))
    socket().receive({ type: 'joined', conversation: other, last_seq: 1, visible_from_seq: 1 })
    for (const seq of [2, 3]) socket().receive({ type: 'event', conversation: other, seq, kind: 'conversation.updated', at: '', actor: null, data: { title: `T${String(seq)}` } })
    await settled()
    expect(useConversationsStore().get(other)).toMatchObject({ cursor: 3, conversation: { title: 'T3' } })
  })

  it('asks for nothing more of what it left, until it is back', async () => {
    useConversationsStore().drop(ROOM)
    const asked = server.count('GET', `/api/conversations/${ROOM}/`)
    socket().receive(frame(post(GRACE)))
    await settled()
    expect([log(), server.count('GET', `/api/conversations/${ROOM}/`)]).toEqual([undefined, asked])
    socket().receive({ type: 'joined', conversation: ROOM, last_seq: world.head, visible_from_seq: 1 })
    await settled()
    socket().receive(frame(post(GRACE)))
    expect(log()?.cursor).toBe(world.head)
  })

  it('drops what it left, or finds missing in `ready`', async () => {
    socket().receive({ type: 'left', conversation: ROOM, seq: 9 })
    expect(log()).toBeUndefined()
    await useConversationsStore().load()
    socket().onclose({ code: 1012 })
    vi.advanceTimersByTime(1_000)
    await goLive([])
    expect(log()).toBeUndefined()
  })

  it('shows who is typing until they stop, write, or six seconds pass', () => {
    const typing = useTypingStore()
    const who = () => Object.keys(typing.typing[ROOM] ?? {})
    const types = (state: string) => socket().receive({ type: 'typing', conversation: ROOM, user: GRACE, state })
    types('started')
    expect(who()).toEqual([GRACE])
    vi.advanceTimersByTime(6_100)
    expect(who()).toEqual([])
    types('started')
    types('stopped')
    expect(who()).toEqual([])
    types('started')
    socket().receive(frame(post(GRACE)))
    expect(who()).toEqual([])
  })

  it('announces its own typing at most each three seconds', () => {
    const typing = useTypingStore()
    for (let n = 0; n < 7; n += 1) {
      typing.announce(ROOM)
      vi.advanceTimersByTime(1_000)
    }
    expect(socket().of('typing')).toHaveLength(3)
    typing.announceStop(ROOM)
    expect(socket().of('typing').at(-1)?.['state']).toBe('stopped')
  })

  it('signs in again on the same socket when the token is about to end', async () => {
    server.on('POST', '/api/auth/token/refresh/', () => ({ body: { access: 'T2' } }))
    socket().receive({ type: 'session', expires_at: '' })
    await settled()
    expect(socket().of('auth').slice(1)).toEqual([{ type: 'auth', token: 'T2' }])
    expect(FakeSocket.all).toHaveLength(1)
  })

  it('refreshes after 4401 and comes back with the new token', async () => {
    server.on('POST', '/api/auth/token/refresh/', () => ({ body: { access: 'T2' } }))
    socket().onclose({ code: 4401 })
    await settled()
    vi.advanceTimersByTime(1_000)
    await goLive()
    expect(socket().sent[0]).toMatchObject({ type: 'auth', token: 'T2' })
  })

  it('signs out after 4409, and stops with a message after 4400', () => {
    const connection = useConnectionStore()
    socket().onclose({ code: 4409 })
    expect(useSessionStore().status).toBe('signed_out')
    connection.start()
    socket().onopen()
    socket().onclose({ code: 4400 })
    expect([connection.phase, connection.stopMessage !== null]).toEqual(['stopped', true])
  })
})
