"""x"""


class DebuggerSource:
    pass
