"""The tables of a company's brand."""

from tenants.branding.models.brand import Brand
from tenants.branding.models.image import BrandImage
from tenants.branding.models.letter_text import LetterText
from tenants.branding.models.mail_server import MailServer

__all__ = ["Brand", "BrandImage", "LetterText", "MailServer"]
