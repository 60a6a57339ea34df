/** 127.0.0.0/8, which Linux neither sends nor takes on a link unless `route_localnet` is set for it. */
export const LOOPBACK = { first: 0x7f00_0000, prefix: 8 }
