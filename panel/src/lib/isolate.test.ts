import { expect, test } from 'vitest'

import { isolate, piecesOf } from './isolate'

test('every other piece of a sentence is a name', () => {
  expect(piecesOf(`${isolate('db-01')} is on ${isolate('אתר')}.`)).toEqual(['', 'db-01', ' is on ', 'אתר', '.'])
  expect(piecesOf('Nothing is named.')).toEqual(['Nothing is named.'])
})
