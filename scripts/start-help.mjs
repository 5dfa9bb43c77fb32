export const START_HELP = `npm start                 starts the gateway and the four services on this machine
npm start -- --verbose    shows every line that they write
npm start -- --one-process
                          starts the same gateway and services in one process instead of five: less work for a
                          record, but what ends one of them ends all (it is started again)
npm start -- --tls        with TLS everywhere: a certificate for each service, made once in DATA_DIR/tls, for
                          this machine alone

It installs and builds what is missing, waits until all of it is ready, starts again what dies, and ends with
Ctrl-C. It can be started again and again: what was judged is kept.

Environment:
  PORT             of the gateway's HTTP (8080); gRPC is one above, the services are at PORT+2 to PORT+5, their
                   metrics 1000 above those
  HOST             where the gateway listens (127.0.0.1)
  DATA_DIR         where the log, the dedup snapshot and the key are kept (./data)
  PCS_SIGN_ALG     hmac, ed25519 or none, with the keys that belong to it; without it a key is made once and kept
                   in DATA_DIR/hmac.key
  LOG_LEVEL        of the lines shown: trace, debug, info, warn, error or fatal (warn)
Every other variable of docs/contract.md, section 8, goes to the services as it is.
`
