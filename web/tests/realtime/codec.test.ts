import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { encodeFrame, parseFrame } from '@/realtime/codec'
import { readEvent } from '@/realtime/eventCodec'

import { world } from '../support/deeds'
import { ROOM } from '../support/world'

const parse = (value: unknown) => parseFrame(JSON.stringify(value))

describe('reading', () => {
  it('gives nothing for what is no frame, and never throws', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json(), fc.anything()), (raw) => void parseFrame(raw)))
    for (const raw of ['', '[]', 'null', '{}', '{"type":5}', '{"type":"__proto__"}', '{"type":"constructor"}']) expect(parseFrame(raw)).toBeNull()
    expect(parseFrame(new ArrayBuffer(4))).toBeNull()
  })

  it('never throws on a known type with fields of any kind', () => {
    const type = fc.constantFrom('ready', 'event', 'events', 'ack', 'error', 'joined', 'left', 'read', 'typing', 'presence', 'resync', 'session', 'pong', 'bye')
    fc.assert(fc.property(type, fc.dictionary(fc.string(), fc.jsonValue()), (name, fields) => void parse({ ...fields, type: name })))
  })

  it('ignores a type it does not know', () => {
    expect(parse({ type: 'weather', conversation: ROOM })).toBeNull()
  })

  it('drops fields it does not know', () => {
    expect(parse({ type: 'pong', n: 3, colour: 'blue' })).toEqual({ type: 'pong', n: 3 })
  })

  it('reads every frame of the contract', () => {
    const conversations = [{ id: ROOM, kind: 'group', epoch: 'e', visible_from_seq: 1, last_seq: 9, read_seq: 4 }, { id: 'x', kind: 'new kind', last_seq: 1 }]
    expect(parse({ type: 'ready', user: { id: 'u', username: 'ada' }, session: { id: 's', expires_at: 't' }, heartbeat: 25, conversations })).toMatchObject({
      heartbeat: 25, conversations: [conversations[0]],
    })
    expect(parse({ type: 'ack', id: 'i', conversation: ROOM, seq: 3, message_id: 'm' })).toEqual({ type: 'ack', id: 'i', conversation: ROOM, seq: 3, message_id: 'm' })
    expect(parse({ type: 'error', code: 'rate_limited', detail: 'd', id: 'i', retryable: true, retry_after_ms: 200 })).toMatchObject({ retryable: true, retry_after_ms: 200 })
    expect(parse({ type: 'error', code: 'invalid', detail: 'd', retryable: false })).toMatchObject({ id: null, retry_after_ms: null })
    expect(parse({ type: 'joined', conversation: ROOM, last_seq: 0, visible_from_seq: 1 })).toMatchObject({ last_seq: 0 })
    expect(parse({ type: 'left', conversation: ROOM, seq: 4 })).toEqual({ type: 'left', conversation: ROOM })
    expect(parse({ type: 'read', conversation: ROOM, user: 'u', seq: 4 })).toMatchObject({ seq: 4 })
    expect(parse({ type: 'resync', conversation: ROOM, last_seq: 4 })).toMatchObject({ last_seq: 4 })
    expect(parse({ type: 'session', expires_at: 't' })).toEqual({ type: 'session', expires_at: 't' })
    expect(parse({ type: 'bye', reason: 'restarting', reconnect_after_ms: 900 })).toMatchObject({ reconnect_after_ms: 900 })
    expect(parse({ type: 'presence', user: 'u', status: 'away', last_seen: null })).toMatchObject({ status: 'away' })
  })

  it.each([[true, true], ['started', true], [false, false], ['stopped', false]])('reads typing state %j as %j', (state, active) => {
    expect(parse({ type: 'typing', conversation: ROOM, user: 'u', state })).toMatchObject({ active })
  })

  it('reads events back as they were written', () => {
    fc.assert(
      fc.property(world, (from) => {
        for (const event of from.events.filter((one) => one.kind !== 'unknown')) {
          expect(readEvent(JSON.parse(JSON.stringify(event)) as Record<string, unknown>)).toEqual(event)
          expect(parse({ type: 'event', ...event })).toEqual({ type: 'event', event })
        }
      }),
    )
  })

  it('keeps the place of an event of an unknown kind, or with data it cannot use', () => {
    const envelope = { conversation: ROOM, seq: 5, at: 't', actor: null }
    expect(readEvent({ ...envelope, kind: 'poll.closed', data: {} })).toMatchObject({ seq: 5, kind: 'unknown', name: 'poll.closed' })
    expect(readEvent({ ...envelope, kind: 'message.created', data: { id: 4 } })).toMatchObject({ seq: 5, kind: 'unknown' })
    expect(readEvent({ ...envelope, seq: '5', kind: 'message.created' })).toBeNull()
  })
})

describe('writing', () => {
  it('puts the type first', () => {
    expect(encodeFrame({ conversation: ROOM, type: 'read', seq: 4 })).toBe(`{"type":"read","conversation":"${ROOM}","seq":4}`)
  })
})
