"""Randomisation written a second time, from the description in server/studies/allocation.h: what a researcher needs to
make the list again from a frozen study's seed."""

WORD = 0xFFFFFFFF


def philox(counter, key):
    """Philox 4x32-10 (Salmon et al. 2011)."""
    c, k = list(counter), list(key)
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(q >> 32) ^ c[1] ^ k[0], q & WORD, (p >> 32) ^ c[3] ^ k[1], p & WORD]
        k = [(k[0] + 0x9E3779B9) & WORD, (k[1] + 0xBB67AE85) & WORD]
    return c


class Words:
    """The words of one stream, one after another."""

    def __init__(self, seed, stream):
        self.seed, self.stream, self.index = seed, stream, 0

    def next(self):
        number, place = divmod(self.index, 4)
        self.index += 1
        return philox([number & WORD, number >> 32, self.stream & WORD, self.stream >> 32],
                      [self.seed & WORD, self.seed >> 32])[place]

    def below(self, limit):
        while True:
            word = self.next()
            if word >= (1 << 32) % limit:
                return word % limit


def arms_of(definition, seed, stratum, count):
    """The first arms of the stratum of that number, in the order of enrolment."""
    arms, block = [], 0
    while len(arms) < count:
        words = Words(seed, stratum << 32 | block)
        size = definition["blocks"][words.below(len(definition["blocks"]))]
        weights = [arm["id"] for arm in definition["arms"] for _ in range(arm["weight"])]
        order = weights * (size // len(weights))
        for i in range(size - 1, 0, -1):
            j = words.below(i + 1)
            order[i], order[j] = order[j], order[i]
        arms += order
        block += 1
    return arms[:count]
