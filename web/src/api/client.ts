/**
 * The page's one HTTP client.
 */

import { createHttp } from '@/api/http'

export const http = createHttp((url, init) => fetch(url, init))
