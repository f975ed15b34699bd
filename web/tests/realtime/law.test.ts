/** The law: snapshot + events = later snapshot, whatever is doubled, reordered, lost or cut off on the way. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { ChatEvent } from '@/contract/events'
import { beginLoad, endLoad, jumpTo, mergeMembers, mergeNewest, mergeOlder, mergeSummary } from '@/realtime/loading'
import { openLog, type LogState } from '@/realtime/log'
import { applyEvent, applyEvents } from '@/realtime/reducer'

import { world } from '../support/deeds'
import { ADA, type World } from '../support/world'

function start(from: World, at: number): LogState {
  const state = mergeNewest(openLog(ADA, from.snapshot(at)), from.page(at, Infinity, 1_000))
  return mergeMembers(state, from.memberList(at))
}

/** What HTTP does for a client that found a hole. */
function heal(state: LogState, from: World): LogState {
  return applyEvents(state, from.events.slice(state.cursor)).state
}

/** What the store does for a count that events cannot tell: it asks again. */
function recount(state: LogState, from: World): LogState {
  return state.stale ? mergeSummary(state, from.snapshot()) : state
}

function expectHead(state: LogState, from: World): void {
  expect(state.cursor).toBe(from.head)
  expect(state.messages).toEqual(from.page(from.head, Infinity, 1_000).messages)
  expect(roles(state.members)).toEqual(roles(from.memberList()))
  const { mention_count: mentions, ...summary } = from.snapshot()
  expect(state.conversation).toMatchObject(summary)
  expect(state.conversation.mention_count).toBe(mentions)
}

function roles(members: LogState['members']): [string, string][] {
  return (members ?? []).map((member): [string, string] => [member.user.id, member.role]).sort()
}

const at = (n: number, size: number) => n % (size + 1)

describe('snapshot + events = later snapshot', () => {
  it('holds for every prefix', () => {
    fc.assert(
      fc.property(world, fc.nat(), (from, n) => {
        const state = start(from, at(n, from.head))
        expectHead(applyEvents(state, from.events).state, from)
      }),
    )
  })

  it('holds under duplicates, reordering and loss, with each gap healed from the log', () => {
    fc.assert(
      fc.property(world, fc.nat(), fc.array(fc.nat(), { maxLength: 120 }), (from, n, picks) => {
        let state = start(from, at(n, from.head))
        for (const pick of picks) {
          const event = from.events[pick % from.events.length] as ChatEvent
          const step = applyEvent(state, event)
          if (event.seq <= state.cursor) expect(step.state).toBe(state)
          state = step.gap ? heal(step.state, from) : step.state
        }
        expectHead(heal(state, from), from)
      }),
    )
  })

  it('holds across reconnects that replay from the cursor, cut off anywhere', () => {
    fc.assert(
      fc.property(world, fc.array(fc.nat({ max: 20 }), { maxLength: 10 }), (from, cuts) => {
        let state = start(from, 0)
        for (const cut of cuts) {
          const replay = from.events.slice(Math.max(0, state.cursor - 2), state.cursor + cut)
          state = applyEvents(state, replay).state
        }
        expectHead(heal(state, from), from)
      }),
    )
  })

  it('applies a batch like so many single events', () => {
    fc.assert(
      fc.property(world, (from) => {
        const single = from.events.reduce((state, event) => applyEvent(state, event).state, start(from, 0))
        expect(applyEvents(start(from, 0), from.events).state).toEqual(single)
      }),
    )
  })
})

describe('an HTTP answer that crosses events', () => {
  it('ends up as the log says, whenever the photograph was taken', () => {
    fc.assert(
      fc.property(world, fc.tuple(fc.nat(), fc.nat(), fc.nat()), (from, [a, b, c]) => {
        // Asked at `asked`, answered by the server as of `taken`, arrived when the client was at `arrived`.
        const [asked, arrived] = [at(a, from.head), at(b, from.head)].sort((x, y) => x - y) as [number, number]
        const taken = asked + at(c, from.head - asked)
        let state = beginLoad(start(from, asked))
        state = applyEvents(state, from.events.slice(asked, arrived)).state
        state = mergeNewest(state, from.page(taken, Infinity, 1_000))
        state = mergeMembers(state, from.memberList(taken))
        state = endLoad(mergeSummary(state, from.snapshot(taken)))
        expectHead(recount(heal(state, from), from), from)
      }),
    )
  })

  it('holds for older pages too', () => {
    fc.assert(
      fc.property(world, fc.nat(), fc.nat(), (from, a, b) => {
        const [asked, arrived] = [at(a, from.head), at(b, from.head)].sort((x, y) => x - y) as [number, number]
        let state = mergeNewest(openLog(ADA, from.snapshot(asked)), from.page(asked, Infinity, 5))
        const bound = state.messages[0]?.seq
        fc.pre(bound !== undefined)
        state = beginLoad(state)
        state = applyEvents(state, from.events.slice(asked, arrived)).state
        state = endLoad(mergeOlder(state, from.page(asked, bound, 1_000), bound as number))
        expect(heal(state, from).messages).toEqual(from.page(from.head, Infinity, 1_000).messages)
      }),
    )
  })

  it('holds after a resync: jump, live events, and the fetched state', () => {
    fc.assert(
      fc.property(world, fc.tuple(fc.nat(), fc.nat(), fc.nat()), (from, [a, b, c]) => {
        const known = at(a, from.head)
        const jump = known + at(b, from.head - known)
        const taken = jump + at(c, from.head - jump)
        let state = beginLoad(jumpTo(start(from, known), jump))
        expect(state.stale).toBe(true)
        state = applyEvents(state, from.events.slice(jump)).state
        state = mergeNewest(state, from.page(taken, Infinity, 1_000))
        state = mergeMembers(state, from.memberList(taken))
        state = endLoad(mergeSummary(state, from.snapshot(taken)))
        expectHead(recount(state, from), from)
      }),
    )
  })
})
