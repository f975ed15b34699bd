import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { BACKOFF_CAP_MS, fullJitter } from '@/realtime/backoff'
import { CLOSE, closeAction } from '@/realtime/closeCodes'
import { mergeNewest } from '@/realtime/loading'
import { openLog } from '@/realtime/log'
import { markRead } from '@/realtime/readMarker'
import { applyEvents } from '@/realtime/reducer'
import { expireTyping, noteTyping, typingSentence } from '@/realtime/typing'

import { world } from '../support/deeds'
import { ADA, GRACE, ROOM, World } from '../support/world'

describe('full jitter', () => {
  it('stays between zero and the doubling ceiling', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1_000 }), fc.double({ min: 0, max: 0.999_999, noNaN: true }), (attempt, random) => {
        const delay = fullJitter(attempt, random)
        expect(delay).toBeGreaterThanOrEqual(0)
        expect(delay).toBeLessThan(Math.min(BACKOFF_CAP_MS, 500 * 2 ** attempt))
      }),
    )
  })
})

describe('close codes', () => {
  it('has an action for each, and reconnects after one nobody knows', () => {
    for (const code of Object.values(CLOSE)) expect(closeAction(code).do).toBeTruthy()
    expect(closeAction(4777)).toEqual({ do: 'reconnect', floorMs: 0 })
  })
})

describe('the read marker', () => {
  it('leaves exactly what is unread behind it, when the messages are at hand', () => {
    fc.assert(
      fc.property(world, fc.nat(), (from, n) => {
        const seq = n % (from.head + 1)
        const state = markRead(mergeNewest(openLog(ADA, from.snapshot()), from.page(from.head, Infinity, 1_000)), seq)
        const read = Math.max(seq, from.snapshot().read_seq)
        const unread = from.page(from.head, Infinity, 1_000).messages.filter((message) => message.seq > read && message.sender.id !== ADA && !message.deleted_at)
        expect(state.conversation).toMatchObject({ read_seq: read, unread_count: unread.length })
        expect(state.stale).toBe(false)
      }),
    )
  })

  it('never goes back', () => {
    const from = new World()
    for (let n = 0; n < 5; n += 1) from.perform({ do: 'post', by: GRACE, mention: false })
    const state = markRead(openLog(ADA, from.snapshot()), 6)
    expect(state.conversation.unread_count).toBe(0)
    expect(markRead(state, 3)).toBe(state)
  })

  it('asks for a count it cannot make', () => {
    const from = new World()
    for (let n = 0; n < 5; n += 1) from.perform({ do: 'post', by: GRACE, mention: false })
    expect(markRead(openLog(ADA, from.snapshot()), 3).stale).toBe(true)
  })

  it('moves when one writes', () => {
    const from = new World()
    from.perform({ do: 'post', by: GRACE, mention: true })
    const state = openLog(ADA, from.snapshot())
    expect(state.conversation).toMatchObject({ unread_count: 1, mention_count: 1 })
    from.perform({ do: 'post', by: ADA, mention: false })
    expect(applyEvents(state, from.events).state.conversation).toMatchObject({ unread_count: 0, mention_count: 0, read_seq: 3 })
  })
})

describe('membership in the log', () => {
  it('notices that one was removed, or that it was deleted', () => {
    const state = openLog(ADA, new World().snapshot())
    const envelope = { conversation: ROOM, seq: 2, at: '', actor: GRACE }
    const removed = applyEvents(state, [{ ...envelope, kind: 'member.removed', data: { user_id: ADA, username: 'ada', role: 'owner' } }]).state
    expect(removed).toMatchObject({ gone: true, conversation: { role: null } })
    expect(applyEvents(state, [{ ...envelope, kind: 'conversation.deleted', data: {} }]).state.gone).toBe(true)
  })

  it('reports a gap and changes nothing', () => {
    const state = openLog(ADA, new World().snapshot())
    const event = { conversation: ROOM, seq: 4, at: '', actor: GRACE, kind: 'conversation.updated', data: { title: 'x' } } as const
    expect(applyEvents(state, [event])).toEqual({ state, applied: [], gap: { after: 1, upTo: 4 } })
  })
})

describe('typing', () => {
  it('expires after 6 s, and at once when it stops', () => {
    const typing = noteTyping({}, ROOM, GRACE, true, 1_000)
    expect(expireTyping(typing, 6_999)).toBe(typing)
    expect(expireTyping(typing, 7_000)[ROOM]).toEqual({})
    expect(noteTyping(typing, ROOM, GRACE, false, 2_000)[ROOM]).toEqual({})
  })

  it('says who', () => {
    expect(typingSentence([])).toBe('')
    expect(typingSentence(['Ada'])).toBe('Ada is typing')
    expect(typingSentence(['Ada', 'Grace'])).toBe('Ada and Grace are typing')
    expect(typingSentence(['Ada', 'Grace', 'Linus'])).toBe('Ada and 2 others are typing')
  })
})
