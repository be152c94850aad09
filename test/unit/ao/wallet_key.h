/* A wallet of a test of the reference implementation, as test/vectors/signed.json has it. */
#ifndef TEST_UNIT_AO_WALLET_KEY_H
#define TEST_UNIT_AO_WALLET_KEY_H

#define WALLET_ADDRESS "VutoYYwMPP5qi1myEWCb6aJ3KPm98TZYZMdI6Ewoga0"

/* The members of its JWK. */
#define WALLET_N                                                                               \
    "zGuyHPlbCEIwVGWwCkzhvF-WOAuc_MAbWy88ehCKCvNuFTxVNnnqJgHm1WwFiGP28s4WV2TI8SHcMHREdTS1"     \
    "NcLWr6fuxRDmOq-o2pRJDJorlQn_vLCoRKV95nT_Ncv5neKmLAJUf3RVt_1rdAdQNaCZf2rC1rXOZ5V4VhKz"     \
    "4s7l2blgBORhmswwEO75VslPS5oJtpgwsx0PPMVteGfePITKAg-Q0fbVl9gI65VvJd71ADE8M-Ihb93SZ5BK"     \
    "X0yysTSA_JEccmig9luJqkY-d4CcnfAIgTzUn-iEsrDJrRyHBqSlnl45NzdKmcwwZ5-mceb71WEbvJvK0nT1"     \
    "65aCErWcQjGEAwxI-xvhBLq-UqlBraIApumgLAakcyNLgMP7mMIZkaRJ8Oubb53_XR7UgBFMhL0B4YMN4woA"     \
    "tpI1kDAFHvWhsps3Ri2usm0o3n972p_pTChOeYAxJNoK17Rg86w_yEqdFhBBORw8C3klx9m_rRjuVXSK6LhF"     \
    "iJcgCLKcq5TB-p1hXASGgFDjEX15gRd9ivcU0krwDeNPx9l-sGFZ3gnRU9zKEBzbHfG_-jq144Krqd-ywx2k"     \
    "CPb5BbMMhTUStEqQxDNxj8VNvdr5AaP6o32e2NEsnzUxkNhJNkjQplS_cGURoA8ziRv7avdR_Ybca4x83Afc"     \
    "FiYVNgAlgz0"
#define WALLET_E "AQAB"
#define WALLET_D                                                                               \
    "GxjBeja8JYrvMMNumNxFEJJpF_0Yw6YhWi5s6U9CRR5XKWh0cS1VkiaEDHvuUHx-Z66qu83nwZLinDz6isDA"     \
    "WSPTumKxHfKAr3xzuPmZT0WBC8H7YhiBTYwpn__tM8UvIt8Vdir0PBWAe_boee-y5vuRV-2fwxSZYMCpkVtB"     \
    "o18X4mBAr-qoB3wTzlgnDqUjpjABI_DmL6_lQlch4ikpMRjMVYaZBJlKtH8rUN205y5ih90pj5pkzUPNl_MX"     \
    "8KxQLs4jX5dKpTMPob2o22cb8Pzy2w_4yKIhcHWYCr8FagrTLoMU_bpGrPY0JNEyBLe0Y_p2x6ZA0M5Ojc7O"     \
    "1E-AkTFEC9BvMda0KaowQ8e4H3xdCdM5DSdxflOBm12E2lOl8QhL7CG-vW8VRW6rfQ1vq-QP-_HVgzDoGQTG"     \
    "u7pDCDt_kP3_xQNs2gEWLQ_B6g-OX-Aqg0HLMkfhCwYPYQIrWzar4wVM-kk-b4JZKzS7FfVU1uSBYzaXyh9D"     \
    "gVVIM7AFTol871ZQrFrYpU8z-k-azDNYfAAacBG9ad1r7iaXL6U7Rsegp51DB8xOnepRZxg0WDaz0_yVI53G"     \
    "TgT4ALQbF8hlpSBz-UlSrrVeeoaWWaKT5x-pYdz8qEAbMlq3WoP0RjF4WQIf_vfZ-HquNGTYzlOy6mdUT4QD"     \
    "5MIp6A-ole8"
#define WALLET_P                                                                               \
    "8IlNZzV3KuE4CeZeE9V0VuZ3iZ243M8fcKYFnXzK4rzJ8Bog3Clo0se7K-COwdM5HTwsrU84-BU3pT68kyW-"     \
    "C0jP1AGtXpowBvprlqWHtWmr_nxJMtZGubZI93b-B-Yx2S2PJV1gaLJ053zhgVUyqj3Ps7hKpnNnNkchsKdV"     \
    "ocWWUeC_EquiB4EbxJYg1AFFlOCKozdx7Weeo1AgYno2kjGHEpd_odem1g-7Uh9wqgLkOMBdLGYLJ_7uGv5q"     \
    "HxugsHRz2eKHGu88hyKlTOwtvFV_45m8r3ooIPEHnL5AP0gze60YkpgFyGQeFM1iuX1xwLKrZnj6uIDu3la_"     \
    "nkcCIw"
#define WALLET_Q                                                                               \
    "2ZACakwfNmhsi2W6BLJibjfh7gESmzDHwbj5R4saltz7JOUO7QGPQhjJ-_j8eWvHBcm_GCgcOtFSM0WyZbBc"     \
    "ppIvDXw8NbyUtOK5lNe2oyjQ8DlBwfCbAQtgZyzSEcNA869rLEq8-JIRvWNben7FnC8ndvj2Nj0-fohHS-Ca"     \
    "MAXvybcGFAEm1ea51woiTfnNcK-YfyvA2cTRYEDaBdo5s82UnL53Nu9Vu9UHmzZPWzrdhqcsDnorFPAsPiJA"     \
    "u3q04dCzl2KGv8KKpIC-u2-G3GWPJ-HjmsYZXZiyqxDslBnueNSVA8z4z9yEW13bmEdZ5KVylFrHObbExjqW"     \
    "iSRLHw"
#define WALLET_DP                                                                              \
    "CwHNd_abYGvz-4f-MBwpebyMJdEA36Hex3HheeZ3Bk8rUoBvloOSl2qqZwSco8P9rhfN15Rzf-7AoCAx0u38"     \
    "N1n6oLH-9ABMSFV3TOqAPk36n-eiFeB2VhNAXYqlb0kaaNzL2yLdwYzBCsLNMvTqH546fffl-p33UCWLJiFS"     \
    "Ktf23AJT3A_cl0lSMvnHwMvaGkj4LyXfYcTHHqQRB1CeZKw9iR1Dqu1KZitMICLuLel59hrfaKO2yPrCfJu9"     \
    "0XSbMtfxYTwbgKEH_QsZ015PbXngI1MqrkEByxgciBCwsfSk3nj6UeMBCL2EHuGTLffOl8nVTBgnKQBFbgk8"     \
    "NYr8Tw"
#define WALLET_DQ                                                                              \
    "RcRAggXXHINwC2Obu1XY6q9Q7Bm79bg21pCSn7aj2C0U_EfX-Xi-j9uTKhI2JFnDgL-pX_28z7_ANGDtTF65"     \
    "11CZdiGYzUKkDT2HdYuXLcsw9VfnFmIp0rPrPirJUpjig0KFg7aT0sJEng72jtmIVQVqCmTbz5jkKX9aHaLw"     \
    "zuWYd38Rm-iio4VRovvE9GxezPwCUwWc2jibS9qAD9BjIJ2UQo9xe1RUkd9GiSdpW0ANOdjx79KNbjF2fpZN"     \
    "W9GFn8RlUu5td6DTBN2kTEb_YD3RImD1s_RCvhjxcpoCw5ttNaI2Bvn77-wvJX17peF7mi7UB2705DUP9OFk"     \
    "1KWm0Q"
#define WALLET_QI                                                                              \
    "XVoIUSxUShDzr4FS-0pHegRuuNtRdCQDjMePD_Lnfk9bqsOwxvVCyf45hK0ZFbnDJiO7Ebl_ix8j_9uyOYeb"     \
    "vzSSBKX0pBBhGsikkvrWb60HrjOfBe8tlxr_-nZJOSuZoWZmLgrtXutmpyt7GjKm99PAuizQcTnzy3B0m9T4"     \
    "52szIFKKHQuNO0cJS4APycfbE4c0Zwbk4MViAn-kOxVRxa3OcoQ9zJ1s_RzQIkTgDlSSTs_dY0N2ksN3zF6v"     \
    "3my3oOI5CbvSXltW2amAM5_nTRf5YQClivy3iutpb-_wTgOBTNmOuyGnzEd_Ofgnzw5JzP_UqpX9kcZXBnz7"     \
    "CFXeJQ"

#endif
