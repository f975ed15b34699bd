import type { RouteLocationNormalized } from 'vue-router'

/** This will say where to go after signing in: a path of this site, whatever the address says. */
export function nextPath(route: Pick<RouteLocationNormalized, 'query'>): string {
  const next = route.query['next']
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : '/'
}
