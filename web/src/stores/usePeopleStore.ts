/**
 * The people this page has met, by id: names for typing lines, member lists and direct conversations.
 */

import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'

import { fetchPeople, searchPeople } from '@/api/people'
import type { Person, Profile } from '@/contract/model'

export const usePeopleStore = defineStore('people', () => {
  const byId = shallowReactive(new Map<string, Person>())
  const asked = new Set<string>()

  function meet(people: Iterable<Person>): void {
    for (const person of people) {
      if (!person.id) continue
      const known = byId.get(person.id)
      const better = !known || (person.display_name && person.display_name !== known.display_name) || person.username !== known.username
      if (better) byId.set(person.id, { ...person, display_name: person.display_name || known?.display_name || '' })
    }
  }

  /** The name to show, as well as it is known. */
  function nameOf(id: string): string {
    const person = byId.get(id)
    return person ? displayName(person) : 'Somebody'
  }

  /** This will fetch the profiles that are not known yet. */
  async function ensure(ids: readonly string[]): Promise<void> {
    const missing = ids.filter((id) => !byId.get(id)?.display_name && !asked.has(id))
    if (missing.length === 0) return
    missing.forEach((id) => asked.add(id))
    meet(await fetchPeople(missing).catch(() => []))
  }

  async function search(words: string): Promise<Profile[]> {
    const found = await searchPeople(words)
    meet(found)
    return found
  }

  function clear(): void {
    byId.clear()
    asked.clear()
  }

  return { byId, meet, nameOf, ensure, search, clear }
})

/** The name to show for a person. */
export function displayName(person: Person | null | undefined): string {
  return person ? person.display_name || person.username : 'Somebody'
}
