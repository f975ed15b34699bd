/**
 * Calls about other people.
 */

import { http } from '@/api/client'
import type { Profile } from '@/contract/model'

interface Users {
  users: Profile[]
}

/** This will find people by a part of their name; at most 100. */
export async function searchPeople(search: string): Promise<Profile[]> {
  return (await http.request<Users>('GET', '/api/auth/users/', { query: { search } })).users
}

/** This will fetch profiles by id; unknown ids are left out. */
export async function fetchPeople(ids: readonly string[]): Promise<Profile[]> {
  return (await http.request<Users>('GET', '/api/auth/users/', { query: { ids: ids.slice(0, 100).join(',') } })).users
}
