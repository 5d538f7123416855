import pytest

from loyalty.kernel.crypto import SealBroken, Vault


class TestVault:
    def test_opens_what_it_sealed(self, vault: Vault) -> None:
        assert vault.open(vault.seal("张三😀", context="members.nickname"), context="members.nickname") == "张三😀"

    def test_seals_the_same_text_differently_each_time(self, vault: Vault) -> None:
        assert vault.seal("a", context="c") != vault.seal("a", context="c")

    def test_refuses_a_value_moved_to_another_column(self, vault: Vault) -> None:
        sealed = vault.seal("13800000001", context="members.phone")

        with pytest.raises(SealBroken):
            vault.open(sealed, context="members.nickname")

    def test_refuses_a_changed_value(self, vault: Vault) -> None:
        sealed = bytearray(vault.seal("13800000001", context="members.phone"))
        sealed[-1] ^= 1

        with pytest.raises(SealBroken):
            vault.open(bytes(sealed), context="members.phone")

    @pytest.mark.parametrize("stored", [b"", b"\x02", b"\x02k1", b"\xff\xfe", b"\x02\xff\xff" + bytes(40)])
    def test_refuses_what_was_never_sealed(self, vault: Vault, stored: bytes) -> None:
        with pytest.raises(SealBroken):
            vault.open(stored, context="members.phone")

    def test_reads_values_of_an_older_key_and_knows_that_they_are_old(self, vault: Vault) -> None:
        sealed = vault.seal("a", context="c")
        rotated = Vault(ring={"k2": b"\x09" * 32, **vault.ring}, index_key=vault.index_key)

        assert rotated.open(sealed, context="c") == "a"
        assert not rotated.is_current(sealed)
        assert rotated.is_current(rotated.seal("a", context="c"))

    def test_indexes_equal_texts_equally_and_contexts_apart(self, vault: Vault) -> None:
        assert vault.index("a", context="c") == vault.index("a", context="c")
        assert vault.index("a", context="c") != vault.index("a", context="d")
