"""What is refused about campaigns."""

from collections.abc import Sequence
from dataclasses import asdict

from loyalty.campaigns.rules.findings import Finding
from loyalty.kernel.documents import Problem as Problem
from loyalty.kernel.errors import Conflict, InvalidInput, NotFound


class InvalidCampaign(InvalidInput):
    """A campaign that makes no sense as it reads; ``problems`` in the details say where and why, in Chinese."""

    code = "invalid_campaign"
    message = "活动设置不正确"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems=[asdict(problem) for problem in problems])
        self.problems = tuple(problems)


class CampaignNotCompliant(InvalidInput):
    """A rule of the platform or the law stands against the campaign; ``findings`` in the details name each."""

    code = "campaign_not_compliant"
    message = "活动不符合平台规则或法律，须修改后再提交"

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(findings=[asdict(finding) for finding in findings])
        self.findings = tuple(findings)


class InvalidCampaignSettings(InvalidInput):
    """Settings of campaigns that make no sense; the details say which field and why."""

    code = "invalid_campaign_settings"
    message = "活动参数不正确"


class CampaignNotFound(NotFound):
    """No campaign has this id."""

    code = "campaign_not_found"
    message = "没有找到该活动"


class CampaignNotInState(Conflict):
    """The campaign's state does not allow it; the details name the state."""

    code = "campaign_not_in_state"
    message = "活动当前的状态不允许此操作"


class NoCampaignDraft(Conflict):
    """There is nothing to submit, to decide on or to throw away."""

    code = "no_campaign_draft"
    message = "没有可提交的草稿"


class CampaignWaiting(Conflict):
    """What was submitted waits for a second person, and does not change until that person has decided."""

    code = "campaign_waiting"
    message = "已提交复核，复核前不能修改"


class CampaignHasEntrances(Conflict):
    """Links or QR codes of the campaign were made and perhaps printed, so that its page has to stay."""

    code = "campaign_has_entrances"
    message = "活动已生成链接或二维码，不能删除，可以继续修改"


class CampaignCostsMore(Conflict):
    """By now it may cost more than whoever approves has read; the details name how much at most, none for no bound."""

    code = "campaign_costs_more"
    message = "现在最多可能花费的金额比复核页上显示的多，请看过现在的金额再决定"


class CampaignNotWaiting(Conflict):
    """Nothing waits for a decision."""

    code = "campaign_not_waiting"
    message = "该活动没有待复核的内容"
