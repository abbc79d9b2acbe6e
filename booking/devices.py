"""What a browser says it is, in a few words. Pure: no Django."""

import re

_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "Mac",
    "CrOS": "Chromebook",
    "Linux": "Linux",
}
# In this order: most of them call themselves Chrome or Safari as well.
_NAMES = {
    "Edg": "Edge",
    "EdgA": "Edge",
    "EdgiOS": "Edge",
    "OPR": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "Chrome": "Chrome",
    "CriOS": "Chrome",
    "Safari": "Safari",
}
_BROWSERS = [(re.compile(rf"\b{word}/"), name) for word, name in _NAMES.items()]
# What browsers say of themselves is a tenth of this.
_LONGEST = 1000


def device(user_agent: str) -> str:
    """Return what `user_agent` says in words, as "Firefox, Android"; what it does not say is left out."""
    user_agent = user_agent[:_LONGEST]
    system = next((name for word, name in _SYSTEMS.items() if word in user_agent), "")
    browser = next((name for named, name in _BROWSERS if named.search(user_agent)), "")
    return ", ".join(filter(None, (browser, system)))
