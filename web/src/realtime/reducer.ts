/**
 * `applyEvent`: the one way an event changes what a client knows, the same at start-up, live, after a resume and for a repair.
 * A `seq` seen before is ignored; one too high is a gap: nothing changes and the caller is told what is missing.
 */

import type { ChatEvent } from '@/contract/events'
import { foldMembers } from '@/realtime/foldMembers'
import { foldMessages } from '@/realtime/foldMessages'
import { foldSummary } from '@/realtime/foldSummary'
import type { LogState } from '@/realtime/log'

export interface Gap {
  /** The newest event that is known. */
  after: number
  /** An event that is known to exist. */
  upTo: number
}

export interface Applied {
  state: LogState
  applied: ChatEvent[]
  gap: Gap | null
}

/** This will fold one event into the state, or say that it was known already, or that some are missing before it. */
export function applyEvent(state: LogState, event: ChatEvent): Applied {
  if (event.seq <= state.cursor) return { state, applied: [], gap: null }
  if (event.seq > state.cursor + 1) return { state, applied: [], gap: { after: state.cursor, upTo: event.seq } }
  return { state: fold(state, event), applied: [event], gap: null }
}

/** This will fold a batch, equal in every way to as many single events; it ends at the first gap. */
export function applyEvents(state: LogState, events: readonly ChatEvent[]): Applied {
  const applied: ChatEvent[] = []
  for (const event of events) {
    const step = applyEvent(state, event)
    if (step.gap) return { state, applied, gap: { after: step.gap.after, upTo: Math.max(...events.map((e) => e.seq)) } }
    state = step.state
    applied.push(...step.applied)
  }
  return { state, applied, gap: null }
}

function fold(state: LogState, event: ChatEvent): LogState {
  const next: LogState = {
    ...state,
    cursor: event.seq,
    messages: state.opened ? foldMessages(state.messages, event) : state.messages,
    members: state.members && foldMembers(state.members, event),
    recorded: state.loads > 0 ? [...state.recorded, event] : state.recorded,
  }
  return event.seq > state.counted ? countEvent(next, event, state.messages) : next
}

/** This will fold an event into the summary alone; `before` are the messages as they were, to tell what it changed. */
export function countEvent(state: LogState, event: ChatEvent, before: LogState['messages']): LogState {
  const known = 'data' in event && 'id' in event.data ? findMessage(before, event.data.id) : undefined
  const folded = foldSummary(state.conversation, event, state.me, known)
  return {
    ...state,
    counted: event.seq,
    conversation: folded.conversation,
    gone: folded.gone ?? state.gone,
    stale: state.stale || (folded.stale ?? false),
    activeAt: event.kind === 'message.created' && event.at > state.activeAt ? event.at : state.activeAt,
  }
}

function findMessage(messages: LogState['messages'], id: string) {
  return messages.findLast((message) => message.id === id)
}
