"""The accounts that a developer finds in every devstack, and that no deployed stack has."""


def create_accounts() -> None:
    """Create the demo merchants and their keys; those that are there are written again."""
    # Importable only once the layer is on the path.
    from checkout.domain.account import Merchant
    from checkout.store import accounts

    books = Merchant("merc_paygate", "Accra Books", "paygate", colour="#0b5d4e")
    kitchens = Merchant("merc_paygate_two", "Kumasi Kitchens", "paygate", colour="#b3361b")
    manila = Merchant("merc_payrex", "Manila Mugs", "payrex", colour="#1f4fd8")
    for merchant in (books, kitchens, manila):
        accounts.save_merchant(merchant)
    for secret in ("sk_test_paygate", "sk_live_paygate", "pk_test_paygate"):
        accounts.save_key(secret, books)
    accounts.save_key("sk_test_paygate_two", kitchens)
    for secret in ("sk_test_payrex", "sk_live_payrex"):
        accounts.save_key(secret, manila)
