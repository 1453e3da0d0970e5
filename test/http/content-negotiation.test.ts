import { expect } from 'chai'
import { namesEntityTag, preferredCoding } from '../../src/http/content-negotiation.js'

describe('content negotiation', () => {
  for (const [header, coding] of [
    [undefined, 'identity'],
    ['', 'identity'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip, deflate', 'gzip'],
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
    ['br;q=0.5, gzip;q=0.8', 'gzip'],
    ['br ; q=0.501 , gzip;Q=0.5', 'br'],
    ['gzip;q=0.5, identity;q=0.9', 'identity'],
    ['gzip;q=0.001', 'gzip'],
    ['br;q=0, gzip;q=0', 'identity'],
    ['*', 'br'],
    ['br;q=0, *', 'gzip'],
    ['*;q=0, gzip', 'gzip'],
    ['*;q=0.5, identity', 'identity'],
    ['deflate, zstd', 'identity'],
    ['identity;q=0', 'identity'],
    ['*;q=0', 'identity'],
    ['identity;q=0, gzip;q=0.1', 'gzip'],
    // What the grammar does not allow counts as absent.
    ['gzip;q=2', 'identity'],
    ['gzip;q=1.001', 'identity'],
    ['gzip;q=', 'identity'],
    ['gzip;level=9', 'identity'],
    ['br gzip', 'identity'],
    ['gzip;q=x, br', 'br'],
    [',,gzip,', 'gzip'],
  ] as const) {
    it(`Accept-Encoding ${header === undefined ? 'absent' : `"${header}"`}: ${coding}`, () =>
      expect(preferredCoding(header)).to.equal(coding))
  }

  for (const [header, isNamed] of [
    [undefined, false],
    ['', false],
    ['*', true],
    [' * ', true],
    ['"a"', true],
    ['W/"a"', true],
    ['"b"', false],
    ['"b", "a"', true],
    ['"b",W/"a" , "c"', true],
    ['"b,", "a"', true],
    ['"x,"a",y"', false],
    ['a', false],
    ['"A"', false],
    ['"a', false],
    ['"*"', false],
  ] as const) {
    it(`If-None-Match ${header ?? 'absent'} ${isNamed ? 'names' : 'does not name'} "a"`, () =>
      expect(namesEntityTag(header, '"a"')).to.equal(isNamed))
  }
})
