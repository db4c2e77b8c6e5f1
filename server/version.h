/* The version that /metrics, image provenance and every session row carry. */
#ifndef SRV_VERSION_H
#define SRV_VERSION_H

#define SRV_VERSION "0.1.0"

#endif
