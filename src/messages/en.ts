import app from './en/app.json' with { type: 'json' };
import bot from './en/bot.json' with { type: 'json' };
import common from './en/common.json' with { type: 'json' };
import error from './en/error.json' with { type: 'json' };
import exporting from './en/export.json' with { type: 'json' };
import notice from './en/notice.json' with { type: 'json' };
import receipt from './en/receipt.json' with { type: 'json' };

export default { app, bot, common, error, export: exporting, notice, receipt };
