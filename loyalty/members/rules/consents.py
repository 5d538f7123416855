"""Rules of consent (同意): for which purposes, to which version of which text."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from loyalty.kernel.errors import Conflict, InvalidInput


class Purpose(StrEnum):
    """What personal data is used for; one text each."""

    SERVICE_TERMS = "service_terms"
    PRIVACY = "privacy"
    MARKETING = "marketing"
    PAYEE_IDENTITY = "payee_identity"
    """Real name and ID number of who is paid money; asked for when it is needed, never at enrolment."""


REQUIRED_PURPOSES = frozenset({Purpose.SERVICE_TERMS, Purpose.PRIVACY})
"""Without these there is no membership; every other is refused without any harm."""


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """What a person ticked: one purpose in the version they were shown."""

    purpose: Purpose
    version: str


@dataclass(frozen=True, slots=True)
class TextVersion:
    """A text as it is shown."""

    purpose: Purpose
    version: str
    title: str
    body: str

    @property
    def is_required(self) -> bool:
        """Whether nobody becomes a member without it."""
        return self.purpose in REQUIRED_PURPOSES

    @property
    def hash(self) -> bytes:
        """SHA-256 of title and body: proves later what was shown."""
        return hashlib.sha256(f"{self.title}\n{self.body}".encode()).digest()


class ConsentMissing(InvalidInput):
    """A required text was not agreed to; ``details`` names the purposes."""

    code = "consent_missing"
    message = "请先阅读并同意会员服务协议和隐私政策"


class ConsentOutdated(InvalidInput):
    """A consent names a version that is not the one in force; show the text anew."""

    code = "consent_outdated"
    message = "协议内容已更新，请重新阅读并同意"


class PurposeUnknown(InvalidInput):
    """No text has this purpose."""

    code = "consent_purpose_unknown"
    message = "未知的授权用途"


class ConsentRequired(Conflict):
    """A required consent ends with the membership only."""

    code = "consent_required"
    message = "该授权为会员服务所必需，如需撤回请申请注销会员"


class TextVersionTaken(Conflict):
    """This version was published before; a changed text needs a new version."""

    code = "text_version_taken"
    message = "该版本号已发布，请使用新的版本号"


def purpose_of(text: str) -> Purpose:
    """Read a purpose.

    Raises:
        PurposeUnknown: there is no such purpose.
    """
    try:
        return Purpose(text)
    except ValueError as error:
        raise PurposeUnknown(purpose=text[:40]) from error


def check_consents(given: Collection[ConsentGiven], texts: Iterable[TextVersion]) -> list[TextVersion]:
    """Return the texts agreed to, when all required ones are among them in force.

    Raises:
        ConsentOutdated: one names another version than the one in force, or a text that is not asked here.
        ConsentMissing: a required one is not among them.
    """
    in_force = {text.purpose: text for text in texts}
    for consent in given:
        text = in_force.get(consent.purpose)
        if text is None or text.version != consent.version:
            raise ConsentOutdated(purpose=consent.purpose)
    purposes = {consent.purpose for consent in given}
    missing = sorted(REQUIRED_PURPOSES - purposes)
    if missing:
        raise ConsentMissing(purposes=missing)
    return [in_force[purpose] for purpose in Purpose if purpose in purposes]


_DRAFT_VERSION = "1.0"

DRAFT_TEXTS = (
    TextVersion(
        Purpose.SERVICE_TERMS,
        _DRAFT_VERSION,
        "会员服务协议",
        "一、绑定手机号即成为会员，入会免费。\n"
        "二、积分按门店公示的规则发放、使用和过期，不能兑换现金。\n"
        "三、退款时，因该笔消费获得的积分同时收回。\n"
        "四、每人限一个会员账户，以不正当手段获取的积分将被冻结或收回。\n"
        "五、您可以随时申请注销，等待期内可以撤回；提现未完成时须先等待到账或退回。"
        "可提现的收益请在注销前提现，注销完成后积分、权益和未提现的收益清零且不能恢复。",
    ),
    TextVersion(
        Purpose.PRIVACY,
        _DRAFT_VERSION,
        "隐私政策",
        "一、我们收集：微信标识（用于登录）、手机号（用于识别会员）、您自愿填写的昵称和生日、积分和消费记录。\n"
        "二、手机号、昵称和生日加密保存，默认脱敏显示，查看须经授权并留有记录。\n"
        "三、验证码短信由短信服务商代为发送，除此之外不向第三方提供您的个人信息。\n"
        "四、您可以查看、更正、导出个人信息，撤回授权，或注销会员。\n"
        "五、注销等待期满后，个人信息将被删除，仅保留无法识别到个人的积分账目。\n"
        "六、未满十四周岁的儿童请勿注册。",
    ),
    TextVersion(
        Purpose.MARKETING,
        _DRAFT_VERSION,
        "营销信息授权",
        "同意后，我们会向您发送优惠和活动信息。不同意不影响使用会员服务，您可以随时在设置中撤回。",
    ),
)
"""Shown at enrolment; in force for a purpose until the brand publishes a text of its own."""

LATER_DRAFT_TEXTS = (
    TextVersion(
        Purpose.PAYEE_IDENTITY,
        _DRAFT_VERSION,
        "收款人实名信息使用授权",
        "一、我们收集您的真实姓名和居民身份证号（敏感个人信息），仅用于向您打款时的实名校验和依法代扣代缴个人所得税。\n"
        "二、姓名在打款时加密提供给微信支付；姓名、身份证号和收入在依法申报时提供给税务机关，除此之外不向第三方提供。\n"
        "三、以上信息单独加密保存，注销会员时删除。\n"
        "四、不同意不影响使用会员服务，但单笔 2000 元及以上的提现将无法进行。您可以随时撤回，撤回后信息即被删除。",
    ),
)
"""Shown when they are needed."""
