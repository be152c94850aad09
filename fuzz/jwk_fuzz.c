/* Fuzz target: any bytes as the file of a wallet. What is read is written as a JWK that reads
 * and writes the same again, with the same address; what is refused is refused with a text.
 * Seeds: seeds/jwk/; they are their own source. */
#include "fuzz.h"

#include "beamr/ao/wallet.h"

static void check_round_trip(const ao_wallet *wallet)
{
    ao_wallet *back = NULL;
    char *text = NULL, *again = NULL;
    size_t len, again_len;

    FUZZ_CHECK(ao_wallet_write(wallet, &text, &len, NULL) == BEAMR_OK);
    FUZZ_CHECK(ao_wallet_read((beamr_bytes){(const uint8_t *)text, len}, &back, NULL) ==
               BEAMR_OK);
    FUZZ_CHECK(strcmp(ao_wallet_address(wallet), ao_wallet_address(back)) == 0);
    FUZZ_CHECK(ao_wallet_write(back, &again, &again_len, NULL) == BEAMR_OK);
    FUZZ_CHECK(len == again_len && memcmp(text, again, len) == 0);
    ao_wallet_unref(back);
    free(text);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ao_wallet *wallet = NULL;
    beamr_error err = {0};
    beamr_status st = ao_wallet_read((beamr_bytes){data, size}, &wallet, &err);

    if (st == BEAMR_OK) {
        FUZZ_CHECK(strlen(ao_wallet_address(wallet)) == AO_ADDRESS_TEXT);
        FUZZ_CHECK(ao_wallet_modulus(wallet).len == AO_WALLET_BITS / 8);
        check_round_trip(wallet);
        ao_wallet_unref(wallet);
        return 0;
    }
    FUZZ_CHECK(!wallet && (st == BEAMR_ARGUMENT || st == BEAMR_LIMIT));
    FUZZ_CHECK(err.status == st && err.text[0] && err.offset <= size);
    return 0;
}
