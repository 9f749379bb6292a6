# SPDX-License-Identifier: MIT
"""elf.py - the parts of a 64-bit little-endian ELF file that tests read or change."""

import struct

PT_DYNAMIC, PT_GNU_STACK, PT_GNU_RELRO = 2, 0x6474E551, 0x6474E552
ET_DYN, PF_X = 3, 1
DT_STRTAB, DT_SYMTAB, DT_JMPREL, DT_PLTRELSZ, DT_FLAGS, DT_FLAGS_1 = 5, 6, 23, 2, 30, 0x6FFFFFFB
DF_BIND_NOW, DF_1_NOW, DF_1_PIE = 8, 1, 0x08000000
RELATIVE = {62: 8, 183: 1027}  # by machine: x86-64, arm64
SECTION, SHT_DYNSYM, SHN_UNDEF = "<IIQQQQIIQQ", 11, 0


class Elf:
    def __init__(self, path):
        self.data = bytearray(path.read_bytes())
        assert self.data[:6] == b"\x7fELF\x02\x01"
        (self.type, self.machine, _, _, ph_offset, sh_offset, _, _, _, ph_count, _,
         sh_count, _) = struct.unpack_from("<HHIQQQIHHHHHH", self.data, 16)
        # (type, flags, offset, address, _, size in the file, size in memory, alignment)
        self.segments = [struct.unpack_from("<IIQQQQQQ", self.data, ph_offset + 56 * i)
                         for i in range(ph_count)]
        self.sections = [struct.unpack_from(SECTION, self.data, sh_offset + 64 * i)
                         for i in range(sh_count)]
        (dynamic,) = (s for s in self.segments if s[0] == PT_DYNAMIC)
        self.dynamic = dict(struct.iter_unpack("<QQ", self.data[dynamic[2]:][:dynamic[5]]))

    def segment(self, wanted):
        return next((s for s in self.segments if s[0] == wanted), None)

    def text(self, at):
        return self.data[at:self.data.index(0, at)].decode()

    def offset(self, address):
        return next(s[2] + address - s[3] for s in self.segments
                    if s[0] == 1 and s[3] <= address < s[3] + s[5])

    def imports(self):
        """The names of symbols that other files define."""
        (symbols,) = (s for s in self.sections if s[1] == SHT_DYNSYM)
        names = self.sections[symbols[6]][4]
        for at in range(symbols[4], symbols[4] + symbols[5], 24):
            name, _, _, section = struct.unpack_from("<IBBH", self.data, at)
            if section == SHN_UNDEF:
                yield self.text(names + name)

    def bind_to_itself(self, name):
        """Makes calls of its own function `name` like those that -Bsymbolic-functions makes."""
        table = self.offset(self.dynamic[DT_JMPREL])
        for at in range(table, table + self.dynamic[DT_PLTRELSZ], 24):
            where, info = struct.unpack_from("<QQ", self.data, at)
            symbol = self.offset(self.dynamic[DT_SYMTAB]) + 24 * (info >> 32)
            text, _, _, _, address = struct.unpack_from("<IBBHQ", self.data, symbol)
            if self.text(self.offset(self.dynamic[DT_STRTAB]) + text) == name:
                struct.pack_into("<QQQ", self.data, at, where, RELATIVE[self.machine], address)
                return
        raise AssertionError(f"nothing calls {name}")
