/* The key of a wallet, for the codecs that sign. */
#ifndef AO_WALLET_H
#define AO_WALLET_H

#include "beamr/ao/wallet.h"
#include "crypto/rsa.h"

/* Borrowed, as long as the wallet lives. */
const crypto_rsa *wallet_key(const ao_wallet *wallet);

#endif
