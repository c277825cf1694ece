/**
 * Where `npm run dev` and `vite preview` send the API's requests: to the gateway at
 * TIDEMARK_GATEWAY, http://127.0.0.1:8080 unless said otherwise.
 */
import type { ProxyOptions } from 'vite'

export function gateway(): Record<string, ProxyOptions> {
  const target = process.env['TIDEMARK_GATEWAY'] ?? 'http://127.0.0.1:8080'
  // The gateway takes a browser's requests only from its own origin.
  const headers = { origin: target }
  return { '/graphql': { target, headers, changeOrigin: true, ws: true } }
}
